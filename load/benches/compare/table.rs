//! The rows as Markdown, one column for each of those who are compared.

use std::fmt::Write;

use crate::aims::{FDATASYNC, Row, SQLITE, Table};
use crate::peer::{ALL, Peer, Rank};
use crate::results::Results;

/// All tables, and what must be known to read them.
pub fn tables(rows: &[Row], results: &Results, peers: &[&Peer]) -> String {
    let mut text = String::new();
    let of = |table| rows.iter().filter(|row| row.table == table).collect::<Vec<_>>();
    let (relayed, durable, scenarios) =
        (of(Table::Peers), of(Table::Durable), of(Table::Scenarios));
    if !relayed.is_empty() {
        relay_table(&mut text, &relayed, peers);
    }
    if !durable.is_empty() {
        durable_table(&mut text, &durable);
    }
    if !scenarios.is_empty() {
        scenario_table(&mut text, &scenarios);
    }
    // Who does less, and who was left out, only matters beside what all can do.
    notes(&mut text, results, if relayed.is_empty() { None } else { Some(peers) });
    text
}

fn relay_table(text: &mut String, rows: &[&Row], peers: &[&Peer]) {
    let mut head = String::from("| |");
    let mut rule = String::from("|---|");
    for peer in peers {
        let limit = if peer.rank == Rank::Limit { " (limit)" } else { "" };
        let _ = write!(head, " {}{limit} |", peer.name);
        rule.push_str("---:|");
    }
    let _ = writeln!(text, "{head} aim | met |\n{rule}---|---|");
    for row in rows {
        let _ = write!(text, "| {}, {} |", row.name, row.unit);
        for peer in peers {
            let value = value(row, peer);
            let _ = write!(text, " {} |", value.map_or("–".to_owned(), figure));
        }
        verdict(text, row);
        if row.name.starts_with("CPU per delivery") {
            let _ = write!(
                text,
                "| {} |",
                row.name.replace("CPU per delivery", "deliveries per CPU second")
            );
            for peer in peers {
                let value = value(row, peer).map(|micros| 1e6 / micros);
                let _ = write!(text, " {} |", value.map_or("–".to_owned(), figure));
            }
            text.push_str(" | |\n");
        }
    }
    text.push('\n');
}

fn durable_table(text: &mut String, rows: &[&Row]) {
    let _ = writeln!(text, "| | vigie | {SQLITE} (limit) | {FDATASYNC} | aim | met |");
    text.push_str("|---|---:|---:|---:|---|---|\n");
    for row in rows {
        let _ = write!(text, "| {} |", row.name);
        for value in [row.ours, row.limit, row.peers.get(FDATASYNC).copied()] {
            let _ = write!(text, " {} |", value.map_or("–".to_owned(), figure));
        }
        verdict(text, row);
    }
    text.push('\n');
}

fn scenario_table(text: &mut String, rows: &[&Row]) {
    text.push_str("| | vigie | limit | aim | met |\n|---|---:|---:|---|---|\n");
    for row in rows {
        let _ = write!(text, "| {}, {} |", row.name, row.unit);
        for value in [row.ours, row.limit] {
            let _ = write!(text, " {} |", value.map_or("–".to_owned(), figure));
        }
        verdict(text, row);
    }
    text.push_str(
        "\nvigie-load and the engine share the machine: times and rates are of both together, and of \
         what else runs; processor time and memory are the engine's alone. Of commits' times the \
         engine tells buckets; within one, they are taken to lie evenly.\n\n",
    );
}

fn value(row: &Row, peer: &Peer) -> Option<f64> {
    match peer.rank {
        Rank::Ours => row.ours,
        Rank::Limit => row.limit,
        Rank::Other => row.peers.get(peer.name).copied(),
    }
}

fn verdict(text: &mut String, row: &Row) {
    let met = match (&row.aim, row.met) {
        (None, _) => "",
        (Some(_), Some(true)) => "yes",
        (Some(_), Some(false)) => "**no**",
        (Some(_), None) => "not known",
    };
    let _ = writeln!(text, " {} | {met} |", row.aim.as_deref().unwrap_or_default());
}

fn notes(text: &mut String, results: &Results, peers: Option<&[&Peer]>) {
    for peer in peers.into_iter().flatten().filter(|peer| !peer.lacks.is_empty()) {
        let _ = writeln!(text, "{} does less: {}.", peer.name, peer.lacks);
    }
    for (name, why) in &results.missing {
        let _ = writeln!(text, "{name} is missing: {why}.");
    }
    for fault in &results.faults {
        let _ = writeln!(text, "FAULT: {fault}.");
    }
    let Some(peers) = peers else { return };
    let left_out = ALL.iter().filter(|peer| !peers.iter().any(|chosen| chosen.name == peer.name));
    for peer in left_out {
        let _ = writeln!(text, "{} was not asked for.", peer.name);
    }
}

/// Three digits that count.
fn figure(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
