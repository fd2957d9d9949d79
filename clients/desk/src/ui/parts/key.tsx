/** A key beside the name of what it does; read out by `aria-keyshortcuts`, not twice. */
export function Key({ name }: { name: string }) {
  return (
    <span class="key" aria-hidden="true">
      <kbd>{name}</kbd>
    </span>
  );
}
