// Makes src/protocol.ts from protocol/schema/vigie.schema.json: the types of this package are those
// of the engine, and no hand can make them differ.

import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { compile } from "json-schema-to-typescript";

const SCHEMA = new URL("../../../protocol/schema/vigie.schema.json", import.meta.url);
export const TARGET = new URL("../src/protocol.ts", import.meta.url);

const BANNER = `// Generated from protocol/schema/vigie.schema.json by \`npm run generate\`. Do not edit.
//
// Enumerations grow: a value that is not listed here can come from a newer engine, and is to be
// treated as "unknown". The same goes for the types of events.
`;

/** Reads the schema and returns the text of src/protocol.ts. */
export async function generate() {
  const schema = JSON.parse(await readFile(SCHEMA, "utf8"));
  const names = paramsNames(schema);
  const definitions = withEventBodies(schema);
  const renamed = Object.fromEntries(
    Object.entries(definitions).map(([name, definition]) => [names.get(name) ?? name, definition]),
  );
  const root = JSON.parse(JSON.stringify({ type: "object", $defs: renamed }), (key, value) =>
    adapt(key, value, names),
  );
  const types = await compile(root, "Unused", {
    additionalProperties: false,
    bannerComment: "",
    style: { printWidth: 100 },
    unreachableDefinitions: true,
  });
  const parts = [BANNER, strip(types), tables(schema, names)];
  return tidy(parts.join("\n"));
}

/** Parameters get a name of their own: `Watch` is what this package's `watch` returns. */
function paramsNames(schema) {
  const names = new Map();
  for (const { params } of Object.values(schema.methods)) {
    const name = refName(params.$ref);
    names.set(name, `${name}Params`);
  }
  return names;
}

/** Gives each type of event a name, and leaves the one of unknown types out: it would match all. */
function withEventBodies(schema) {
  const definitions = { ...schema.$defs };
  const bodies = [];
  for (const [type, { $ref }] of Object.entries(schema.events)) {
    const { $ref: base, ...own } = $ref
      .slice(2)
      .split("/")
      .reduce((node, step) => node[step], schema);
    const shape = base === undefined ? {} : schema.$defs[refName(base)];
    const name = `${pascal(type)}Body`;
    definitions[name] = {
      ...shape,
      ...own,
      properties: { ...own.properties, ...shape.properties },
      required: [...own.required, ...(shape.required ?? [])],
    };
    bodies.push({ $ref: `#/$defs/${name}` });
  }
  definitions.EventBody = { ...definitions.EventBody, anyOf: bodies };
  return definitions;
}

function adapt(key, value, names) {
  if (key === "description" && typeof value === "string") {
    return value.replace(/\[`(\w+)`\]/g, "`$1`");
  }
  if (key === "properties") {
    for (const property of Object.values(value)) {
      if (property.const !== undefined) {
        property.description ??= "Tells which of them it is.";
      }
    }
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    return value;
  }
  // Bounds and formats are said in words. A reference is written as the name that it refers to:
  // left to the compiler, each one that has a description becomes a type of its own.
  const { format, minimum, maximum, $ref, ...rest } = value;
  if ($ref !== undefined) {
    const name = refName($ref);
    return { ...rest, tsType: names.get(name) ?? name };
  }
  // Data whose shape depends on something else.
  if (key === "data" && rest.type === undefined && rest.description !== undefined) {
    return { ...rest, tsType: "unknown" };
  }
  // A union of texts, each with a description, becomes a plain union that says it in one place.
  const choices = rest.oneOf ?? rest.anyOf;
  if (Array.isArray(choices) && choices.every((choice) => typeof choice.const === "string")) {
    const { oneOf, anyOf, ...others } = rest;
    const lines = choices.map(({ const: name, description }) => `- \`${name}\`: ${description}`);
    return {
      ...others,
      type: "string",
      enum: choices.map((choice) => choice.const),
      description: `${rest.description}\n\n${lines.join("\n")}`,
    };
  }
  if (Array.isArray(choices) && choices.some((choice) => typeof choice.const === "number")) {
    return {
      type: "integer",
      description: rest.description ?? "An error's code; see `ERROR_NAMES`.",
    };
  }
  return rest;
}

function tables(schema, names) {
  const named = ({ $ref }) => names.get(refName($ref)) ?? refName($ref);
  const entry = (doc, key, type) => `  /** ${doc} */\n  ${key}: ${type};`;
  const methods = Object.entries(schema.methods).map(([name, { params, result }]) =>
    entry(`\`${name}\`.`, name, `Method<${named(params)}, ${named(result)}>`),
  );
  const notifications = Object.entries(schema.notifications).map(([name, params]) =>
    entry(`\`${name}\`.`, name, named(params)),
  );
  const errors = schema.errors.map(({ code, name }) => `  [${code}, "${name}"],`);
  const closes = schema.closeCodes.map(({ code, reason }) => `  [${code}, "${reason}"],`);
  return `/** What a method takes and gives. */
export interface Method<Params, Result> {
  /** What it takes. */
  params: Params;
  /** What it gives. */
  result: Result;
}

/** Parameters and result of every method. */
export interface Methods {
${methods.join("\n")}
}

/** Parameters of every notification of the server. */
export interface Notifications {
${notifications.join("\n")}
}

/** The names of the server's errors. */
export type ServerErrorName =
${schema.errors.map(({ name }) => `  | "${name}"`).join("\n")};

/** The name of every error code of the server. */
export const ERROR_NAMES: ReadonlyMap<number, ServerErrorName> = /* @__PURE__ */ new Map([
${errors.join("\n")}
]);

/** The reason of every close code of the server. */
export const CLOSE_REASONS: ReadonlyMap<number, string> = /* @__PURE__ */ new Map([
${closes.join("\n")}
]);
`;
}

/** Removes what the compiler says of the schema that all types were put in. */
function strip(types) {
  const remark =
    / \*\n \* This interface was referenced by `Unused`'s JSON-Schema\n \* via the `definition` "\w+"\.\n/g;
  return types
    .replace(/export interface Unused \{\s*\}\s*/, "")
    .replace(remark, "")
    .replace(/[ \t]+$/gm, "");
}

function tidy(text) {
  return `${text.replace(/\n{3,}/g, "\n\n").trim()}\n`;
}

function refName(ref) {
  return ref.slice(ref.lastIndexOf("/") + 1);
}

function pascal(name) {
  return name.replace(/(?:^|_)(\w)/g, (_, letter) => letter.toUpperCase());
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await writeFile(TARGET, await generate());
  console.log(`wrote ${fileURLToPath(TARGET)}`);
}
