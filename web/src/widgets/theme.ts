import { css } from "lit";

/**
 * Colours and shape. Each `--continuum-*` property may be set from outside; the `--_*` ones are what the widgets
 * use. Light or dark follows the system, or `color-scheme` where a page sets it on the element.
 */
export const theme = css`
  :host {
    color-scheme: inherit;
    --_background: var(--continuum-background, light-dark(#f4f5f1, #0f1312));
    --_surface: var(--continuum-surface, light-dark(#ffffff, #181d1b));
    --_sunken: var(--continuum-sunken, light-dark(#e9ebe5, #222926));
    --_line: var(--continuum-line, light-dark(#dcdfd7, #2c3431));
    --_edge: var(--continuum-edge, light-dark(#868e88, #6b7671));
    --_ink: var(--continuum-ink, light-dark(#1b1f1d, #e9eeea));
    --_quiet: var(--continuum-quiet, light-dark(#59615c, #a1aba6));
    --_accent: var(--continuum-accent, light-dark(#0f6b5c, #6fd6c0));
    --_on-accent: var(--continuum-on-accent, light-dark(#ffffff, #06231e));
    --_danger: var(--continuum-danger, light-dark(#b3261e, #ff9a90));
    --_on-danger: var(--continuum-on-danger, light-dark(#ffffff, #3b0906));
    --_warn: var(--continuum-warn, light-dark(#8a5300, #f0b866));
    --_radius: var(--continuum-radius, 18px);
    --_font: var(
      --continuum-font,
      system-ui,
      -apple-system,
      "Segoe UI",
      Roboto,
      "Noto Sans",
      "Liberation Sans",
      sans-serif
    );
    color: var(--_ink);
    font-family: var(--_font);
    font-size: 1rem;
    line-height: 1.45;
  }
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  :host([hidden]),
  [hidden] {
    display: none !important;
  }
  h1,
  h2,
  p,
  ul,
  ol,
  dl,
  dd {
    margin: 0;
    padding: 0;
  }
  ul,
  ol {
    list-style: none;
  }
  button,
  input,
  select,
  textarea {
    font: inherit;
    color: inherit;
  }
  button {
    cursor: pointer;
  }
  :focus-visible {
    outline: 2px solid var(--_accent);
    outline-offset: 2px;
  }
  svg {
    inline-size: 1.375em;
    block-size: 1.375em;
    fill: none;
    stroke: currentColor;
    stroke-width: 1.75;
    stroke-linecap: round;
    stroke-linejoin: round;
    flex: none;
  }
  .unseen {
    position: absolute;
    inline-size: 1px;
    block-size: 1px;
    margin: -1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  .plain {
    border: 0;
    background: none;
    padding: 0.375rem;
    border-radius: 0.625rem;
    color: var(--_quiet);
    line-height: 0;
  }
  .plain:hover {
    color: var(--_ink);
    background: var(--_sunken);
  }
  .primary {
    border: 0;
    border-radius: 999px;
    padding: 0.8rem 1.5rem;
    font-weight: 600;
    color: var(--_on-accent);
    background: var(--_accent);
    transition: filter 120ms ease;
  }
  .primary:hover {
    filter: brightness(1.08);
  }
  .primary:disabled {
    opacity: 0.6;
    cursor: default;
  }
  .field {
    inline-size: 100%;
    padding: 0.7rem 0.9rem;
    border: 1px solid var(--_edge);
    border-radius: 0.75rem;
    background: var(--_surface);
  }
  .field:focus-visible {
    outline-offset: 0;
    border-color: transparent;
  }
  .field::placeholder {
    color: var(--_quiet);
    opacity: 1;
  }
  @media (prefers-reduced-motion: reduce) {
    *,
    *::before,
    *::after {
      animation: none !important;
      transition: none !important;
      scroll-behavior: auto !important;
    }
  }
  @media (forced-colors: active) {
    button,
    .field {
      border: 1px solid ButtonText !important;
    }
  }
`;
