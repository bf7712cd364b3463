import { css } from "lit";
import { theme } from "./theme.js";

/** A sheet over the call: in the middle of a wide one, at the foot of a narrow one. */
export const cardStyles = [
  theme,
  css`
    dialog {
      inline-size: min(30rem, 100vw - 1.5rem);
      max-block-size: min(42rem, 100dvb - 1.5rem);
      margin: auto;
      padding: 0;
      border: 0;
      border-radius: var(--_radius);
      color: inherit;
      background: var(--_surface);
      box-shadow:
        inset 0 0 0 1px var(--_line),
        0 16px 48px rgb(0 0 0 / 0.28);
      overflow: auto;
      overscroll-behavior: contain;
    }
    dialog::backdrop {
      background: rgb(0 0 0 / 0.4);
    }
    .sheet {
      display: grid;
      gap: 1rem;
      padding: 1.1rem 1.25rem 1.4rem;
    }
    header {
      display: flex;
      align-items: center;
      gap: 0.6rem;
    }
    h2 {
      flex: 1;
      font-size: 1.25rem;
      font-weight: 650;
      overflow-wrap: anywhere;
    }
    h3 {
      margin: 0;
      font-size: 0.8125rem;
      font-weight: 600;
      color: var(--_quiet);
    }
    section {
      display: grid;
      gap: 0.45rem;
    }
    .level {
      border-radius: 999px;
      padding: 0.15rem 0.7rem;
      font-size: 0.8125rem;
      background: color-mix(in oklab, var(--_accent) 16%, var(--_surface));
    }
    .quiet {
      color: var(--_quiet);
    }
    .measure,
    .give {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 0.25rem 0.75rem;
    }
    meter {
      flex: 1 1 6rem;
      max-inline-size: 12rem;
      block-size: 0.75rem;
    }
    dl {
      display: grid;
      gap: 0.25rem;
    }
    dl div {
      display: grid;
      grid-template-columns: 7rem minmax(0, 1fr);
    }
    dt,
    time {
      color: var(--_quiet);
    }
    time {
      font-size: 0.8125rem;
    }
    ol,
    details ul {
      display: grid;
      gap: 0.3rem;
    }
    ol li {
      display: grid;
      grid-template-columns: 7rem minmax(0, 1fr);
      align-items: baseline;
      overflow-wrap: anywhere;
    }
    summary {
      cursor: pointer;
    }
    details ul {
      padding: 0.4rem 0 0 1rem;
    }
    .entry {
      display: grid;
      gap: 0.1rem;
      text-wrap: pretty;
      overflow-wrap: anywhere;
    }
    .more,
    .remembers {
      justify-self: start;
      border: 1px solid var(--_edge);
      border-radius: 999px;
      padding: 0.35rem 0.9rem;
      background: none;
    }
    @media (max-width: 32rem) {
      dialog {
        inline-size: 100vw;
        max-inline-size: 100vw;
        margin-block-end: 0;
        border-end-start-radius: 0;
        border-end-end-radius: 0;
      }
      dl div,
      ol li {
        grid-template-columns: 5.75rem minmax(0, 1fr);
      }
    }
  `,
];
