import { css } from "lit";
import { theme } from "../widgets/theme.js";

export const operatorStyles = [
  theme,
  css`
    :host {
      display: block;
      min-block-size: 100%;
      color-scheme: light dark;
      background: var(--_background);
      --_plot-height: 6.5rem;
    }
    header {
      position: sticky;
      inset-block-start: 0;
      z-index: 2;
      display: flex;
      align-items: center;
      gap: 0.75rem;
      padding: 0.75rem 1.25rem;
      background: var(--_background);
      border-block-end: 1px solid var(--_line);
    }
    h1 {
      font-size: 1.0625rem;
      font-weight: 650;
    }
    .server {
      flex: 1;
      min-inline-size: 0;
      overflow: hidden;
      text-overflow: ellipsis;
      white-space: nowrap;
      font-size: 0.8125rem;
      color: var(--_quiet);
    }
    .pause {
      border: 1px solid var(--_edge);
      border-radius: 999px;
      padding: 0.25rem 0.9rem;
      background: none;
      font-size: 0.8125rem;
    }
    .pause:hover {
      background: var(--_sunken);
    }
    .connection {
      display: flex;
      align-items: center;
      gap: 0.45rem;
      margin-inline-start: auto;
      font-size: 0.8125rem;
      color: var(--_quiet);
      white-space: nowrap;
    }
    .connection i {
      inline-size: 0.6rem;
      block-size: 0.6rem;
      border-radius: 50%;
      background: var(--_warn);
    }
    .connection.live i {
      background: var(--_accent);
    }
    .connection.refused i,
    .connection.lost i {
      background: var(--_danger);
    }
    main,
    .notice,
    .waiting,
    form {
      max-inline-size: 90rem;
      margin-inline: auto;
    }
    main {
      display: grid;
      grid-template-columns: minmax(0, 1fr);
      gap: 1.5rem;
      padding: 1.25rem;
    }
    .stale section,
    .stale .tiles {
      opacity: 0.55;
    }
    .notice {
      margin-block-start: 1rem;
      inline-size: calc(100% - 2.5rem);
      border-radius: 0.75rem;
      padding: 0.6rem 0.9rem;
      font-size: 0.9375rem;
      background: color-mix(in oklab, var(--_warn) 13%, var(--_surface));
    }
    .waiting {
      padding: 3rem 1.25rem;
      text-align: center;
      color: var(--_quiet);
    }
    h2 {
      font-size: 1rem;
      font-weight: 650;
      margin-block-end: 0.6rem;
    }
    .card {
      padding: 0.9rem 1rem;
      border-radius: var(--_radius);
      background: var(--_surface);
      box-shadow: inset 0 0 0 1px var(--_line);
      min-inline-size: 0;
    }
    .tiles {
      display: grid;
      grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr));
      gap: 0.75rem 1.5rem;
    }
    .tiles dt {
      font-size: 0.8125rem;
      color: var(--_quiet);
    }
    .tiles dd {
      font-size: 1.375rem;
      font-weight: 600;
      line-height: 1.2;
      font-variant-numeric: tabular-nums;
    }
    .tiles small {
      display: block;
      min-block-size: 1.2em;
      font-size: 0.75rem;
      font-weight: 400;
      color: var(--_quiet);
    }
    .plots {
      display: grid;
      grid-template-columns: repeat(auto-fill, minmax(min(24rem, 100%), 1fr));
      gap: 0.75rem;
    }
    .dropped {
      grid-column: 1 / -1;
      display: grid;
      grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr));
      align-items: start;
      gap: 0.75rem 1.75rem;
    }
    .rooms-head {
      display: flex;
      align-items: center;
      justify-content: space-between;
      gap: 1rem;
      margin-block-end: 0.6rem;
    }
    .rooms-head h2 {
      margin: 0;
    }
    .rooms-head .field {
      inline-size: min(16rem, 60%);
      padding: 0.35rem 0.8rem;
      font-size: 0.875rem;
    }
    .rooms {
      padding-block: 0.4rem;
    }
    .scroll {
      overflow-x: auto;
    }
    table {
      inline-size: 100%;
      border-collapse: collapse;
      font-size: 0.875rem;
      font-variant-numeric: tabular-nums;
    }
    th,
    td {
      padding: 0.35rem 0.6rem;
      font-weight: 400;
      text-align: end;
      white-space: nowrap;
      border-block-start: 1px solid var(--_line);
    }
    thead th {
      border: 0;
      font-size: 0.75rem;
      color: var(--_quiet);
    }
    th:first-child {
      text-align: start;
      padding-inline-start: 0;
    }
    td:last-child,
    th:last-child {
      padding-inline-end: 0;
    }
    th button {
      border: 0;
      background: none;
      padding: 0.25rem 0.6rem;
      margin-inline-start: -0.6rem;
      border-radius: 0.5rem;
      max-inline-size: 18rem;
      overflow: hidden;
      text-overflow: ellipsis;
    }
    th button:hover {
      background: var(--_sunken);
    }
    .chosen th button {
      font-weight: 650;
      color: var(--_accent);
    }
    .room {
      display: grid;
      grid-template-columns: minmax(0, 1fr);
      gap: 0.9rem;
      margin-block-start: 0.75rem;
    }
    .room-head {
      display: flex;
      align-items: baseline;
      gap: 0.75rem;
      min-inline-size: 0;
    }
    .room-head h3 {
      margin: 0;
      font-size: 1rem;
      font-weight: 650;
      overflow: hidden;
      text-overflow: ellipsis;
    }
    .room-head p,
    .hint {
      font-size: 0.8125rem;
      color: var(--_quiet);
      white-space: nowrap;
    }
    .hint {
      margin-block-start: 0.75rem;
      white-space: normal;
    }
    .more {
      justify-self: start;
      line-height: 1.4;
      font-size: 0.8125rem;
      padding: 0.3rem 0.6rem;
      margin-inline-start: -0.6rem;
    }
    .empty {
      color: var(--_quiet);
      font-size: 0.9375rem;
    }
    .rooms .empty {
      padding-block: 0.5rem;
    }
    form {
      display: grid;
      gap: 0.6rem;
      inline-size: min(24rem, calc(100% - 2.5rem));
      padding-block: 4rem;
    }
    form p {
      color: var(--_quiet);
      font-size: 0.9375rem;
      margin-block-end: 0.4rem;
    }
    form .wrong {
      color: var(--_danger);
    }
    form label {
      font-size: 0.875rem;
      font-weight: 600;
    }
    form .primary {
      margin-block-start: 0.5rem;
    }
    code {
      font-family: ui-monospace, "SF Mono", "Cascadia Mono", "Liberation Mono", monospace;
      font-size: 0.9em;
    }
    @media (width < 40rem) {
      header {
        padding: 0.6rem 0.9rem;
      }
      main {
        padding: 0.9rem 0.75rem;
      }
      .server {
        display: none;
      }
      .tiles {
        grid-template-columns: repeat(2, minmax(0, 1fr));
      }
      .tiles dd {
        font-size: 1.125rem;
      }
      .tiles small:empty {
        display: none;
      }
      tr > :nth-child(3),
      tr > :nth-child(4) {
        display: none;
      }
    }
  `,
];
