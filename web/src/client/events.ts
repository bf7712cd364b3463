/** An `EventTarget` whose event names and `detail` types are known to the compiler. */
export class TypedEventTarget<Events extends object> {
  private readonly target = new EventTarget();

  /** Calls `listener` with each event's detail; returns the function that stops it. */
  on<Name extends keyof Events & string>(name: Name, listener: (detail: Events[Name]) => void): () => void {
    const handler = (event: Event) => listener((event as CustomEvent<Events[Name]>).detail);
    this.target.addEventListener(name, handler);
    return () => this.target.removeEventListener(name, handler);
  }

  protected emit<Name extends keyof Events & string>(name: Name, detail: Events[Name]): void {
    this.target.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
