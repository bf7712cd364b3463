import { css } from "lit";

/** What all plots share. */
export const plotStyles = css`
  :host {
    display: grid;
    min-inline-size: 0;
  }
  figure {
    margin: 0;
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    align-content: start;
    gap: 0.35rem;
    min-inline-size: 0;
  }
  h3 {
    margin: 0;
    font-size: 0.875rem;
    font-weight: 650;
  }
  .legend {
    display: flex;
    flex-wrap: wrap;
    gap: 0.1rem 1rem;
    font-size: 0.8125rem;
    color: var(--_quiet);
  }
  .legend span {
    display: inline-flex;
    align-items: center;
    gap: 0.4rem;
    white-space: nowrap;
  }
  .legend i {
    inline-size: 0.9rem;
    block-size: 0;
    border-block-start: 2.5px solid;
    border-radius: 2px;
  }
  .legend b {
    color: var(--_ink);
    font-weight: 600;
    font-variant-numeric: tabular-nums;
  }
  details {
    font-size: 0.8125rem;
    color: var(--_quiet);
  }
  summary {
    inline-size: max-content;
    padding: 0.1rem 0.4rem;
    margin-inline-start: -0.4rem;
    border-radius: 0.4rem;
    cursor: pointer;
  }
  summary:hover {
    color: var(--_ink);
    background: var(--_sunken);
  }
  .scroll {
    overflow-x: auto;
  }
  table {
    inline-size: 100%;
    border-collapse: collapse;
    font-variant-numeric: tabular-nums;
    color: var(--_ink);
  }
  th,
  td {
    padding: 0.25rem 0.6rem 0.25rem 0;
    text-align: end;
    font-weight: 400;
    white-space: nowrap;
    border-block-start: 1px solid var(--_line);
  }
  thead th {
    color: var(--_quiet);
    border: 0;
  }
  th:first-child,
  td:first-child {
    text-align: start;
  }
`;
