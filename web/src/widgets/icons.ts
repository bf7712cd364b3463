import { svg, type SVGTemplateResult } from "lit";

/** Line icons on a 24-unit grid; decorative, the button they stand in carries the words. */
const icon = (content: SVGTemplateResult) =>
  svg`<svg viewBox="0 0 24 24" aria-hidden="true" focusable="false">${content}</svg>`;

export const microphone = icon(
  svg`<rect x="9" y="3" width="6" height="11" rx="3"/><path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3"/>`,
);
export const microphoneOff = icon(
  svg`<path d="M15 9.5V6a3 3 0 0 0-5.8-1.1M9 9v2a3 3 0 0 0 4.6 2.5M5.5 11.5a6.5 6.5 0 0 0 10.6 5M18.5 11.5a6.5 6.5 0 0 1-.5 2.4M12 18v3M4 3.5l16 17"/>`,
);
export const camera = icon(
  svg`<rect x="3" y="6.5" width="12.5" height="11" rx="2.5"/><path d="m15.5 10.5 5-2.75v8.5l-5-2.75"/>`,
);
export const cameraOff = icon(
  svg`<path d="M10 6.5h3A2.5 2.5 0 0 1 15.5 9v2M15.5 14.5 20.5 16.25v-8.5l-5 2.75M15.2 16.3A2.5 2.5 0 0 1 13 17.5H5.5A2.5 2.5 0 0 1 3 15V9a2.5 2.5 0 0 1 2.5-2.5M4 3.5l16 17"/>`,
);
export const captions = icon(
  svg`<rect x="3" y="5" width="18" height="14" rx="3"/><path d="M7 11.5h4.5M14.5 11.5H17M7 15h2.5M12.5 15H17"/>`,
);
export const chat = icon(
  svg`<path d="M20 11.5c0 3.9-3.6 7-8 7-1.1 0-2.2-.2-3.1-.5L4.5 19.5l1.3-3.4A6.5 6.5 0 0 1 4 11.5c0-3.9 3.6-7 8-7s8 3.1 8 7Z"/>`,
);
export const devices = icon(
  svg`<path d="M4 7.5h8.5M17.5 7.5H20M4 16.5h2.5M11.5 16.5H20"/><circle cx="15" cy="7.5" r="2.5"/><circle cx="9" cy="16.5" r="2.5"/>`,
);
export const leave = icon(
  svg`<path d="M3.5 14.3c-.6-1.4-.3-2.9.9-3.9C6.5 8.7 9.2 7.8 12 7.8s5.5.9 7.6 2.6c1.2 1 1.5 2.5.9 3.9l-.3.6c-.3.7-1 1-1.7.8l-2.7-.8a1.4 1.4 0 0 1-1-1.3v-1.3a9.8 9.8 0 0 0-5.6 0v1.3c0 .6-.4 1.1-1 1.3l-2.7.8c-.7.2-1.4-.1-1.7-.8Z"/>`,
);
export const pin = icon(svg`<path d="M9.5 3.5h5M10.5 3.5v6.2l-3 3.3v1.5h9V13l-3-3.3V3.5M12 14.5v6"/>`);
export const ear = icon(
  svg`<path d="M6.5 9.5a5.5 5.5 0 0 1 11 0c0 3.6-3.7 4.4-3.9 7.4a2.9 2.9 0 0 1-5.4 1.2M9.8 10a2.3 2.3 0 0 1 4.5-.6c.3 1.5-1.6 2-1.8 3.4"/>`,
);
export const good = icon(
  svg`<path d="M7.5 10.5v9H4.5v-9ZM7.5 11l3.6-7c1.4 0 2.4 1 2.1 2.5l-.6 3h5.1c1.2 0 2 1 1.8 2.2l-1.1 5.9c-.2 1.1-1.1 1.9-2.2 1.9H7.5"/>`,
);
export const notGood = icon(
  svg`<path d="M7.5 13.5v-9H4.5v9ZM7.5 13l3.6 7c1.4 0 2.4-1 2.1-2.5l-.6-3h5.1c1.2 0 2-1 1.8-2.2l-1.1-5.9c-.2-1.1-1.1-1.9-2.2-1.9H7.5"/>`,
);
export const about = icon(svg`<circle cx="12" cy="12" r="8.5"/><path d="M12 11.2v5M12 7.8v.2"/>`);
export const close = icon(svg`<path d="m6.5 6.5 11 11M17.5 6.5l-11 11"/>`);
export const send = icon(svg`<path d="M12 19V5.5M6 11l6-6 6 6"/>`);
export const sound = icon(
  svg`<path d="M4 10v4h3.5L12 18V6L7.5 10H4ZM15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a7.8 7.8 0 0 1 0 11"/>`,
);
