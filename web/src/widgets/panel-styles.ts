import { css } from "lit";
import { theme } from "./theme.js";

/** What panels of a sheet have in common. */
export const panelStyles = [
  theme,
  css`
    :host {
      display: block;
    }
    section {
      display: grid;
      gap: 0.45rem;
    }
    h3 {
      margin: 0;
      font-size: 0.8125rem;
      font-weight: 600;
      color: var(--_quiet);
    }
    h3:focus {
      outline: none;
    }
    .quiet,
    .origin {
      color: var(--_quiet);
    }
    .origin,
    .done {
      font-size: 0.8125rem;
      overflow-wrap: anywhere;
    }
    .row {
      display: flex;
      flex-wrap: wrap;
      gap: 0.4rem;
    }
    .more {
      justify-self: start;
      border: 1px solid var(--_edge);
      border-radius: 999px;
      padding: 0.35rem 0.9rem;
      background: none;
    }
    .more:hover:not(:disabled) {
      background: var(--_sunken);
    }
    .more:disabled {
      opacity: 0.6;
      cursor: default;
    }
    .more.strong {
      border-color: transparent;
      color: var(--_on-accent);
      background: var(--_accent);
    }
    .more.danger {
      border-color: transparent;
      color: var(--_on-danger);
      background: var(--_danger);
    }
    @media (pointer: coarse) {
      .more {
        min-block-size: 2.5rem;
      }
    }
  `,
];
