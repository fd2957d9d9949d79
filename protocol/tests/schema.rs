//! `schema/` is made from the types: a JSON Schema of everything that is sent, and an AsyncAPI
//! document that says when.

use std::path::PathBuf;

use schemars::generate::SchemaSettings;
use schemars::transform::transform_subschemas;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};
use vigie_protocol::error::{CloseCode, ErrorCode};
use vigie_protocol::{
    ALERTS_MAX, DATA_ENTRIES_MAX, DATA_KEY_BYTES_MAX, DATA_VALUE_BYTES_MAX, HISTORY_PAGE_MAX,
    LINE_BYTES_MAX, PAST_PAGE_MAX, PROTOCOL_VERSION, QUIET_MAX, RATING_SCORE_MAX, SEARCH_BYTES_MAX,
    SUBPROTOCOL_JSON, SUBPROTOCOL_MESSAGEPACK, TEXT_BYTES_MAX, WINDOW_FIRST_MAX, WINDOW_SKIP_MAX,
    method, push,
};

/// Notifications that a client may send.
const SIGNALS: &[&str] = &["ping", "typing", "draft"];

#[test]
fn the_schema_is_that_of_the_types() {
    check("vigie.schema.json", &schema());
}

#[test]
fn the_asyncapi_document_is_that_of_the_types() {
    check("asyncapi.json", &asyncapi());
}

#[test]
fn every_reference_leads_somewhere() {
    for document in [schema(), asyncapi()] {
        let mut references = vec![];
        collect_references(&document, &mut references);
        assert!(references.len() > 100);
        for reference in references {
            let pointer = reference.strip_prefix('#').expect("references stay in the document");
            assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
        }
    }
}

fn check(file: &str, made: &Value) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schema").join(file);
    if std::env::var_os("VIGIE_SCHEMA").is_some_and(|value| value == "write") {
        let text = serde_json::to_string_pretty(made).expect("a document of JSON");
        std::fs::write(&path, text + "\n").expect("the schema directory can be written");
        return;
    }
    // Compared as values: the order of keys depends on features of other crates.
    let kept = std::fs::read_to_string(&path).ok();
    let kept = kept.and_then(|text| serde_json::from_str::<Value>(&text).ok());
    assert!(
        kept.as_ref() == Some(made),
        "protocol/schema/{file} is stale; refresh it with\n\
         VIGIE_SCHEMA=write cargo test -p vigie-protocol --test schema"
    );
}

/// Every method, notification and event, and the types that they are made of.
fn schema() -> Value {
    let mut generator = generator();
    let methods: Map<String, Value> = method::schemas(&mut generator)
        .into_iter()
        .map(|(name, params, result)| (name.into(), json!({ "params": params, "result": result })))
        .collect();
    let notifications: Map<String, Value> = push::schemas(&mut generator)
        .into_iter()
        .map(|(name, params)| (name.into(), params.into()))
        .collect();
    let definitions = generator.take_definitions(true);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("The Vigie protocol, version {PROTOCOL_VERSION}"),
        "description": "Methods by name with parameters and result, the server's notifications \
            with their parameters, and the bodies of events by type. SPEC.md says how they behave.",
        "methods": methods,
        "notifications": notifications,
        "events": events(&definitions),
        "errors": errors(),
        "closeCodes": close_codes(),
        "$defs": definitions,
    })
}

fn generator() -> SchemaGenerator {
    let settings = SchemaSettings::draft2020_12();
    settings.with_transform(for_readers_of_json as fn(&mut Schema)).into_generator()
}

/// Optional fields are left out, never null; and what the documentation says to readers of Rust is
/// said to readers of JSON.
fn for_readers_of_json(schema: &mut Schema) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf")
        && choices.iter().any(|choice| *choice == json!({ "type": "null" }))
    {
        choices.retain(|choice| *choice != json!({ "type": "null" }));
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            schema.remove("anyOf");
            only.into_iter().for_each(|(key, value)| {
                schema.insert(key, value);
            });
        }
    }
    if let Some(Value::String(words)) = schema.get_mut("description") {
        *words = words_for_readers_of_json(words);
    }
    transform_subschemas(&mut (for_readers_of_json as fn(&mut Schema)), schema);
}

fn words_for_readers_of_json(words: &str) -> String {
    let limits = [
        ("TEXT_BYTES_MAX", TEXT_BYTES_MAX),
        ("LINE_BYTES_MAX", LINE_BYTES_MAX),
        ("WINDOW_FIRST_MAX", WINDOW_FIRST_MAX as usize),
        ("SEARCH_BYTES_MAX", SEARCH_BYTES_MAX),
        ("HISTORY_PAGE_MAX", HISTORY_PAGE_MAX as usize),
        ("PAST_PAGE_MAX", PAST_PAGE_MAX as usize),
        ("WINDOW_SKIP_MAX", WINDOW_SKIP_MAX as usize),
        ("ALERTS_MAX", ALERTS_MAX),
        ("QUIET_MAX", QUIET_MAX),
        ("DATA_ENTRIES_MAX", DATA_ENTRIES_MAX),
        ("DATA_KEY_BYTES_MAX", DATA_KEY_BYTES_MAX),
        ("DATA_VALUE_BYTES_MAX", DATA_VALUE_BYTES_MAX),
        ("RATING_SCORE_MAX", usize::from(RATING_SCORE_MAX)),
    ];
    let words = limits.iter().fold(words.replace('\n', " "), |words, (name, limit)| {
        words.replace(&format!("[`{name}`](crate::{name})"), &limit.to_string())
    });
    assert!(!words.contains("crate::"), "say what this stands for, in limits: {words}");
    words
}

/// The bodies of events by their type.
fn events(definitions: &Map<String, Value>) -> Map<String, Value> {
    let variants = definitions["EventBody"]["anyOf"].as_array().expect("the types of events");
    variants
        .iter()
        .enumerate()
        .filter_map(|(index, variant)| {
            let name = variant.pointer("/properties/type/const")?.as_str()?;
            Some((name.into(), json!({ "$ref": format!("#/$defs/EventBody/anyOf/{index}") })))
        })
        .collect()
}

fn errors() -> Vec<Value> {
    ErrorCode::ALL
        .iter()
        .map(|code| json!({ "code": code.number(), "name": code.name(), "retry": code.retry() }))
        .collect()
}

fn close_codes() -> Vec<Value> {
    CloseCode::ALL
        .iter()
        .map(|code| {
            json!({ "code": code.number(), "reason": code.reason(), "reconnect": code.reconnect() })
        })
        .collect()
}

/// The same, as an AsyncAPI 3 document: what the server receives, sends and replies, in JSON-RPC.
fn asyncapi() -> Value {
    let mut generator = generator();
    let (mut messages, mut operations) = (Map::new(), Map::new());
    messages.insert(
        "refused".into(),
        refused(&generator.subschema_for::<vigie_protocol::error::RpcError>()),
    );
    for (name, params, result) in method::schemas(&mut generator) {
        messages.insert(format!("{name}.request"), request(name, &params));
        messages.insert(format!("{name}.result"), response(name, &result));
        operations.insert(format!("{name}.request"), asked("receive", name));
        if SIGNALS.contains(&name) {
            messages.insert(format!("{name}.signal"), notification(name, &params));
            operations.insert(format!("{name}.signal"), told("receive", name, "signal"));
        }
    }
    operations.insert("server.ping".into(), asked("send", "ping"));
    for (name, params) in push::schemas(&mut generator) {
        messages.insert(format!("{name}.notification"), notification(name, &params));
        operations.insert(format!("{name}.notification"), told("send", name, "notification"));
    }
    let mut in_channel = Map::new();
    for name in messages.keys() {
        let reference = format!("#/components/messages/{name}");
        in_channel.insert(name.clone(), json!({ "$ref": reference }));
    }
    let mut document = json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Vigie",
            "version": format!("{PROTOCOL_VERSION}.0.0"),
            "description": "Live conversations between the visitors of a website, its bot, and the \
                operators who watch and take over. Messages are shown as JSON-RPC 2.0; the same \
                go as MessagePack-RPC over WebSocket and plain TCP. SPEC.md has the rules.",
        },
        "defaultContentType": "application/json",
        "servers": {
            "websocket": {
                "host": "127.0.0.1:8080",
                "protocol": "ws",
                "description": format!(
                    "WebSocket at /ws, subprotocol {SUBPROTOCOL_MESSAGEPACK} or {SUBPROTOCOL_JSON}."
                ),
            },
            "tcp": {
                "host": "127.0.0.1:8090",
                "protocol": "tcp",
                "description": "A plain stream of MessagePack-RPC messages.",
            },
        },
        "channels": {
            "connection": {
                "address": "/ws",
                "description": "One connection. The first request is connect.",
                "messages": in_channel,
            },
        },
        "operations": operations,
        "components": { "messages": messages, "schemas": generator.take_definitions(true) },
    });
    point_to_components(&mut document);
    document
}

fn request(name: &str, params: &Schema) -> Value {
    message(
        name,
        json!({
            "type": "object",
            "required": ["jsonrpc", "id", "method"],
            "properties": {
                "jsonrpc": { "const": "2.0" },
                "id": { "type": ["integer", "string"] },
                "method": { "const": name },
                "params": params,
            },
        }),
    )
}

fn notification(name: &str, params: &Schema) -> Value {
    message(
        name,
        json!({
            "type": "object",
            "required": ["jsonrpc", "method", "params"],
            "properties": {
                "jsonrpc": { "const": "2.0" },
                "method": { "const": name },
                "params": params,
            },
        }),
    )
}

fn response(name: &str, result: &Schema) -> Value {
    message(
        name,
        json!({
            "type": "object",
            "required": ["jsonrpc", "id", "result"],
            "properties": {
                "jsonrpc": { "const": "2.0" },
                "id": { "type": ["integer", "string"] },
                "result": result,
            },
        }),
    )
}

fn refused(error: &Schema) -> Value {
    message(
        "refused",
        json!({
            "type": "object",
            "required": ["jsonrpc", "id", "error"],
            "properties": {
                "jsonrpc": { "const": "2.0" },
                "id": { "type": ["integer", "string", "null"] },
                "error": error,
            },
        }),
    )
}

fn message(name: &str, payload: Value) -> Value {
    json!({ "name": name, "payload": payload })
}

/// A request in one direction, and the responses to it in the other.
fn asked(action: &str, name: &str) -> Value {
    json!({
        "action": action,
        "channel": { "$ref": "#/channels/connection" },
        "messages": [in_channel(&format!("{name}.request"))],
        "reply": {
            "channel": { "$ref": "#/channels/connection" },
            "messages": [in_channel(&format!("{name}.result")), in_channel("refused")],
        },
    })
}

fn told(action: &str, name: &str, kind: &str) -> Value {
    json!({
        "action": action,
        "channel": { "$ref": "#/channels/connection" },
        "messages": [in_channel(&format!("{name}.{kind}"))],
    })
}

fn in_channel(message: &str) -> Value {
    json!({ "$ref": format!("#/channels/connection/messages/{message}") })
}

/// AsyncAPI keeps shared schemas elsewhere than JSON Schema does.
fn point_to_components(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get_mut("$ref") {
                *reference = reference.replace("#/$defs/", "#/components/schemas/");
            }
            fields.values_mut().for_each(point_to_components);
        }
        Value::Array(items) => items.iter_mut().for_each(point_to_components),
        _ => {}
    }
}

fn collect_references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|value| collect_references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| collect_references(value, found)),
        _ => {}
    }
}
