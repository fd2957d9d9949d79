/** Words that follow a number: which form, by the rules of the language. */

export interface Forms {
  readonly zero?: string;
  readonly one: string;
  readonly other: string;
}

/** Gives the function that writes a number and the fitting form of its word. */
export function counting(language: string): (count: number, forms: Forms) => string {
  const rules = new Intl.PluralRules(language);
  const numbers = new Intl.NumberFormat(language);
  return (count, forms) => {
    const rule = rules.select(count);
    const form =
      rule === "one" ? forms.one : rule === "zero" ? (forms.zero ?? forms.other) : forms.other;
    return `${numbers.format(count)} ${form}`;
  };
}
