import { useState } from "preact/hooks";
import { countryName } from "../format.ts";
import { Globe } from "./icons.ts";

/** A country's flag, loaded when it is first seen. The name stands beside it or in its title. */
export function Flag({
  country,
  titled = false,
}: {
  country: string | undefined;
  titled?: boolean;
}) {
  const [missing, setMissing] = useState<string | null>(null);
  const code =
    country !== undefined && /^[A-Za-z]{2}$/.test(country) ? country.toLowerCase() : null;
  if (code === null || missing === code) {
    return (
      <span class="flag flag-none">
        <Globe aria-hidden="true" />
      </span>
    );
  }
  return (
    <img
      class="flag"
      src={`${import.meta.env.BASE_URL}flags/${code}.svg`}
      alt=""
      title={titled ? countryName(code) : undefined}
      width={20}
      height={14}
      loading="lazy"
      decoding="async"
      onError={() => setMissing(code)}
    />
  );
}
