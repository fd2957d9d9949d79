/** The lookout: a V with a light in its crow's nest. */
export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect class="logo-ground" width="32" height="32" rx="8" />
      <path class="logo-mark" d="M7 9.5 16 25 25 9.5" />
      <circle class="logo-light" cx="16" cy="10.5" r="3.4" />
    </svg>
  );
}
