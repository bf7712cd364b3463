import { noChange } from "lit";
import { Directive, directive, type ElementPart } from "lit/directive.js";

/**
 * Sets style properties on the element it stands in: `<i ${styled({ color })}></i>`. Unlike Lit's `styleMap` it never
 * writes a `style` attribute, which a page with `default-src 'self'` refuses.
 */
class Styled extends Directive {
  override render(_properties: Readonly<Record<string, string>>) {
    return noChange;
  }

  override update(part: ElementPart, [properties]: [Readonly<Record<string, string>>]) {
    const { style } = part.element as HTMLElement;
    for (const [name, value] of Object.entries(properties)) style.setProperty(name, value);
    return noChange;
  }
}

export const styled = directive(Styled);
