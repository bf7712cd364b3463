import { css } from "lit";
import { theme } from "./theme.js";

/** How the whole call is laid out; it answers to its own size, not the window's, so it fits any frame. */
export const callStyles = [
  theme,
  css`
    :host {
      display: grid;
      block-size: 100%;
      min-block-size: 26rem;
      color-scheme: light dark;
    }
    .frame {
      container: call / size;
      position: relative;
      display: grid;
      outline: none;
      background: var(--_background);
      overflow: hidden;
      min-inline-size: 0;
    }
    .frame:has(header) {
      grid-template-rows: auto auto minmax(0, 1fr) auto;
    }
    audio {
      display: none;
    }
    header {
      display: flex;
      align-items: center;
      gap: 0.75rem;
      padding: 0.75rem 1.25rem;
      min-inline-size: 0;
    }
    h1 {
      font-size: 1.0625rem;
      font-weight: 650;
      overflow: hidden;
      text-overflow: ellipsis;
      white-space: nowrap;
    }
    .speaking {
      flex: 1;
      min-inline-size: 0;
      overflow: hidden;
      text-overflow: ellipsis;
      white-space: nowrap;
      font-size: 0.875rem;
      color: var(--_quiet);
    }
    .queue:not(:empty) {
      margin-inline-start: 0.75rem;
      color: var(--_accent);
    }
    continuum-persona-card {
      display: contents;
    }
    .connection {
      display: flex;
      align-items: center;
      gap: 0.45rem;
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
    .connection.connected i {
      background: var(--_accent);
    }
    .connection.closed i {
      background: var(--_danger);
    }
    .banners {
      display: grid;
      gap: 0.5rem;
      padding-inline: 1.25rem;
    }
    .banner,
    .notice {
      border-radius: 0.75rem;
      padding: 0.6rem 0.9rem;
      font-size: 0.9375rem;
      background: color-mix(in oklab, var(--_warn) 13%, var(--_surface));
    }
    .whispering {
      display: flex;
      align-items: center;
      gap: 0.6rem;
      background: color-mix(in oklab, var(--_accent) 14%, var(--_surface));
    }
    .whispering span {
      flex: 1;
      overflow-wrap: anywhere;
    }
    .whispering button {
      flex: none;
      border: 1px solid var(--_edge);
      border-radius: 999px;
      padding: 0.35rem 0.8rem;
      background: var(--_surface);
    }
    .notice {
      display: flex;
      align-items: start;
      justify-content: space-between;
      gap: 0.5rem;
    }
    .notice .plain {
      margin: -0.2rem -0.3rem -0.2rem 0;
    }
    .body {
      display: grid;
      min-block-size: 0;
      grid-template-columns: minmax(0, 1fr);
      padding: 0.25rem 1.25rem 0;
      gap: 1.25rem;
    }
    .body.with-chat {
      grid-template-columns: minmax(0, 1fr) minmax(17rem, 22rem);
    }
    main {
      display: grid;
      grid-template-rows: minmax(0, auto) minmax(7rem, 1fr);
      gap: 0.75rem;
      min-block-size: 0;
    }
    main.bare {
      grid-template-rows: minmax(0, 1fr);
      align-items: center;
    }
    .tiles {
      display: flex;
      flex-wrap: wrap;
      justify-content: center;
      gap: 0.75rem;
      overflow-y: auto;
      max-block-size: 100%;
      scrollbar-width: thin;
      scrollbar-color: var(--_line) transparent;
    }
    .tiles li {
      flex: 1 1 11rem;
      max-inline-size: 19rem;
      min-block-size: 12.5rem;
    }
    .bare .tiles {
      --_portrait: 7.5rem;
    }
    .bare .tiles li {
      flex-basis: 14rem;
      max-inline-size: 24rem;
      min-block-size: 18rem;
    }
    .tiles.many {
      --_portrait: 3.5rem;
    }
    .tiles.many li {
      flex-basis: 8rem;
      min-block-size: 9rem;
    }
    .tiles .pinned,
    .bare .tiles .pinned,
    .tiles.many .pinned {
      --_portrait: 6.5rem;
      order: -1;
      flex: 1 0 100%;
      max-inline-size: min(100%, 42rem);
      min-block-size: min(20rem, 45cqb);
    }
    aside {
      display: grid;
      grid-template-rows: auto minmax(0, 1fr);
      min-block-size: 0;
      border-radius: var(--_radius);
      background: var(--_surface);
      box-shadow: inset 0 0 0 1px var(--_line);
      overflow: hidden;
    }
    .aside-head {
      display: flex;
      align-items: center;
      justify-content: space-between;
      padding: 0.75rem 0.75rem 0.25rem 1rem;
    }
    h2 {
      font-size: 1rem;
      font-weight: 650;
    }
    footer {
      position: relative;
      padding: 0.9rem 0.75rem max(0.9rem, env(safe-area-inset-bottom));
    }
    continuum-devices {
      position: absolute;
      z-index: 4;
      inset-block-end: calc(100% + 0.25rem);
      inset-inline: 0;
      margin-inline: auto;
      inline-size: min(24rem, calc(100% - 1.5rem));
    }
    .tap {
      position: absolute;
      z-index: 6;
      inset-block-end: 7rem;
      inset-inline: 0;
      margin-inline: auto;
      inline-size: max-content;
      display: flex;
      gap: 0.6rem;
      align-items: center;
      box-shadow: 0 10px 30px rgb(0 0 0 / 0.25);
    }
    @container call (inline-size < 56.25rem) {
      .body,
      .body.with-chat {
        position: relative;
        grid-template-columns: minmax(0, 1fr);
      }
      aside {
        position: absolute;
        z-index: 3;
        inset: 0 1.25rem 0 auto;
        inline-size: min(26rem, calc(100% - 2.5rem));
        box-shadow:
          inset 0 0 0 1px var(--_line),
          0 12px 40px rgb(0 0 0 / 0.2);
      }
    }
    @container call (inline-size < 40rem) {
      header {
        padding: 0.6rem 0.9rem;
      }
      .banners,
      .body {
        padding-inline: 0.75rem;
      }
      .speaking {
        visibility: hidden;
      }
      .connection span {
        position: absolute;
        clip-path: inset(50%);
      }
      continuum-latency {
        --_bar: 3.5rem;
      }
      .tiles {
        --_portrait: 3.5rem;
        gap: 0.5rem;
      }
      .tiles li {
        flex-basis: 6rem;
        min-block-size: 8.75rem;
      }
      .bare .tiles {
        --_portrait: 4.5rem;
      }
      .bare .tiles li {
        flex-basis: 9rem;
        min-block-size: 11rem;
      }
      aside {
        inset: 0 0.75rem;
        inline-size: auto;
      }
    }
    @container call (block-size < 36rem) {
      .tiles,
      .bare .tiles {
        --_portrait: 2.25rem;
      }
      .tiles li,
      .bare .tiles li {
        min-block-size: 6.5rem;
      }
      footer {
        padding-block: 0.5rem;
      }
    }
  `,
];
