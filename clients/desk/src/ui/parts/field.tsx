import type { InputHTMLAttributes } from "preact";
import { useId, useState } from "preact/hooks";
import { texts } from "../../texts.ts";
import { Eye, EyeOff } from "./icons.ts";

interface FieldProps
  extends Pick<
    InputHTMLAttributes<HTMLInputElement>,
    | "autocomplete"
    | "required"
    | "readOnly"
    | "maxLength"
    | "minLength"
    | "spellcheck"
    | "autocapitalize"
  > {
  label: string;
  value: string;
  onValue: (value: string) => void;
  type?: "text" | "password";
  hint?: string;
  error?: string | undefined;
  /** Whether it has the focus when its dialog or page opens. */
  first?: boolean;
}

/** One line of a form, with its name, a hint, and what is wrong with it. */
export function Field({
  label,
  value,
  onValue,
  type = "text",
  hint,
  error,
  first,
  ...rest
}: FieldProps) {
  const id = useId();
  const [shown, setShown] = useState(false);
  const about = error ?? hint;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="field-box">
        <input
          {...rest}
          id={id}
          type={type === "password" && !shown ? "password" : "text"}
          value={value}
          aria-invalid={error !== undefined}
          aria-describedby={about === undefined ? undefined : `${id}-about`}
          data-autofocus={first ? "" : undefined}
          autofocus={first}
          onInput={(event) => onValue(event.currentTarget.value)}
        />
        {type === "password" && (
          <button
            type="button"
            class="icon-button"
            aria-label={shown ? texts().signIn.hidePassword : texts().signIn.showPassword}
            aria-pressed={shown}
            onClick={() => setShown(!shown)}
          >
            {shown ? <EyeOff aria-hidden="true" /> : <Eye aria-hidden="true" />}
          </button>
        )}
      </div>
      {about !== undefined && (
        <p id={`${id}-about`} class={error === undefined ? "field-hint" : "field-error"}>
          {about}
        </p>
      )}
    </div>
  );
}
