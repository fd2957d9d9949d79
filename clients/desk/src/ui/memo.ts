/** Keeps a row as it is while what it shows is the same. */

import { Component, type ComponentChild, type FunctionComponent, h } from "preact";

/** A component that is rendered again only when one of its properties is another one. */
export function memo<P extends object>(render: FunctionComponent<P>): FunctionComponent<P> {
  class Kept extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      const before = this.props as Record<string, unknown>;
      const after = next as Record<string, unknown>;
      return Object.keys(after).some((key) => key !== "children" && before[key] !== after[key]);
    }
    override render(): ComponentChild {
      return h(render, this.props as P & { children?: never });
    }
  }
  return Kept as unknown as FunctionComponent<P>;
}
