//! How the desk looks: the live list on the left, a conversation on the right, a line to write in
//! below. On a narrow terminal one of them at a time.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Block, Clear, Padding, Paragraph};
use vigie_protocol::card::{BotState, Card, Show, Speaker};
use vigie_protocol::event::{Device, Millis};

use super::model::{Conversation, Desk, HELP, InControl, Link, Mode, Notice};
use super::told::{self, Told, Tone};
use crate::cli::text::{columns, cut, duration, one_line, wrap};

/// Below this the list and the conversation do not fit beside each other.
const BOTH_WIDTH: u16 = 90;

/// The lines of a card in the list.
const CARD_HEIGHT: usize = 2;

/// Draws the desk; returns how far the conversation can be scrolled up, as far as that is known.
pub(super) fn desk(frame: &mut Frame<'_>, desk: &Desk) -> usize {
    let [head, body, input, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(1),
        Constraint::Length(1),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(heading(desk, head.width), head);
    let scroll_max = bodies(frame, desk, body);
    writing(frame, desk, input);
    frame.render_widget(footing(desk, foot.width), foot);
    if desk.mode == Mode::Help {
        help(frame, body);
    }
    scroll_max
}

/// The name of a filter.
pub(super) const fn filter(show: Show) -> &'static str {
    match show {
        Show::All => "all",
        Show::Waiting => "waiting",
        Show::Bot => "bot",
        Show::Mine => "mine",
        Show::Others => "others",
    }
}

fn bodies(frame: &mut Frame<'_>, desk: &Desk, area: Rect) -> usize {
    match &desk.open {
        Some(open) if area.width >= BOTH_WIDTH => {
            let sides = [Constraint::Percentage(45), Constraint::Percentage(55)];
            let [left, right] = Layout::horizontal(sides).areas(area);
            list(frame, desk, left);
            conversation(frame, desk, open, right)
        }
        Some(open) => conversation(frame, desk, open, area),
        None => {
            list(frame, desk, area);
            0
        }
    }
}

fn heading(desk: &Desk, width: u16) -> Line<'static> {
    let who = desk.me.as_ref().map_or_else(
        || " vigie".to_owned(),
        |me| format!(" vigie · {} · {}", me.site, one_line(&me.name)),
    );
    let totals = &desk.totals;
    let counts = format!(
        "{} online · {} waiting · {} bot · {} mine · {} others ",
        totals.all, totals.waiting, totals.bot, totals.mine, totals.others
    );
    let gap = usize::from(width).saturating_sub(columns(&who) + columns(&counts)).max(2);
    Line::from(vec![Span::from(who).bold(), " ".repeat(gap).into(), counts.into()])
        .style(Style::new().add_modifier(Modifier::REVERSED))
}

fn list(frame: &mut Frame<'_>, desk: &Desk, area: Rect) {
    let search = desk.window.search.as_ref();
    let search = search.map(|words| format!(" · “{}”", one_line(words))).unwrap_or_default();
    let title = format!(" Live: {}{search} ", filter(desk.window.show));
    let block = Block::bordered().title(cut(&title, usize::from(area.width.saturating_sub(2))));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let Some(cards) = desk.cards.as_ref().filter(|cards| !cards.is_empty()) else {
        let words = match (&desk.link, &desk.cards) {
            (Link::Online, Some(_)) if desk.totals.all > 0 => "No conversation matches. f, /",
            (Link::Online, Some(_)) => "Nobody is here yet. Visitors appear as they come.",
            (Link::Offline(_), _) => "No connection. Trying again …",
            _ => "Connecting …",
        };
        let [middle] = Layout::vertical([Constraint::Length(1)])
            .flex(ratatui::layout::Flex::Center)
            .areas(inner);
        frame.render_widget(Line::from(words).dim().centered(), middle);
        return;
    };
    let room = (usize::from(inner.height) / CARD_HEIGHT).max(1);
    let at = desk.selected_at().unwrap_or(0);
    let first = at.saturating_sub(room.saturating_sub(1));
    let width = usize::from(inner.width);
    let lines: Vec<_> = cards
        .iter()
        .skip(first)
        .take(room)
        .flat_map(|card| self::card(desk, card, width))
        .collect();
    frame.render_widget(Paragraph::new(lines), inner);
}

/// A card in two lines: who and how long, then what was said last.
fn card(desk: &Desk, card: &Card, width: usize) -> [Line<'static>; CARD_HEIGHT] {
    let country = card.country.as_deref().map_or_else(|| "--".to_owned(), one_line);
    let device = device(card.device);
    let lasted = duration(desk.now.saturating_sub(card.started));
    let facts = format!(" {country:2} {device:7} {lasted:>8} {:>4} msg  ", card.messages);
    let holder = match desk.in_control(&card.control.holder) {
        InControl::Bot if card.bot == BotState::Answering => Span::from("bot …").fg(Color::Magenta),
        InControl::Bot if card.bot == BotState::Failed => Span::from("bot failed").fg(Color::Red),
        InControl::Bot => Span::from("bot").fg(Color::Magenta),
        InControl::Me => Span::from("you").fg(Color::Green).bold(),
        InControl::Other(name) => Span::from(one_line(name)).fg(Color::Green),
    };
    let mut first = vec![Span::from(facts), holder];
    if let Some(since) = card.waiting {
        let waited = duration(desk.now.saturating_sub(since));
        first.push(Span::from(format!("  WAITS {waited}")).fg(Color::Yellow).bold());
    }
    if !card.online {
        first.push(Span::from("  leaving").dim());
    }
    let last = card.last.as_ref().map_or_else(String::new, |last| {
        let who = match last.from {
            Speaker::Visitor => "›",
            Speaker::Bot | Speaker::Operator => "‹",
        };
        format!("    {who} {}", one_line(&last.text))
    });
    let selected = desk.selected == Some(card.session);
    let style = if selected { Style::new().bg(Color::DarkGray) } else { Style::new() };
    let filled = first.iter().map(Span::width).sum::<usize>();
    first.push(" ".repeat(width.saturating_sub(filled)).into());
    let last = cut(&last, width);
    let padding = " ".repeat(width.saturating_sub(columns(&last)));
    [
        Line::from(first).style(style),
        Line::from(vec![Span::from(last).dim(), padding.into()]).style(style),
    ]
}

const fn device(device: Device) -> &'static str {
    match device {
        Device::Mobile => "mobile",
        Device::Tablet => "tablet",
        Device::Desktop => "desktop",
        Device::Unknown => "?",
    }
}

fn conversation(frame: &mut Frame<'_>, desk: &Desk, open: &Conversation, area: Rect) -> usize {
    let holder = open.control.as_ref().map(|control| desk.in_control(&control.holder));
    let title = match holder {
        _ if open.closed => " closed ".to_owned(),
        Some(InControl::Me) => " You are in control ".to_owned(),
        Some(InControl::Other(name)) => format!(" Observing · {} is in control ", one_line(name)),
        Some(InControl::Bot) => " Observing · the bot is in control ".to_owned(),
        None => " opening … ".to_owned(),
    };
    let border = match holder {
        Some(InControl::Me) => Style::new().fg(Color::Green),
        _ => Style::new(),
    };
    let block = Block::bordered()
        .title(cut(&title, usize::from(area.width.saturating_sub(2))))
        .border_style(border)
        .padding(Padding::horizontal(1));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let [about, text] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(inner);
    let known = desk.card(open.session).map(known_of).unwrap_or_default();
    frame.render_widget(Line::from(cut(&known, usize::from(about.width))).dim(), about);
    let room = usize::from(text.height);
    let (lines, whole) = lines(desk, open, usize::from(text.width), room + open.scroll);
    let above = lines.len().saturating_sub(room);
    let first = above - open.scroll.min(above);
    let shown: Vec<_> = lines.into_iter().skip(first).take(room).collect();
    frame.render_widget(Text::from(shown), text);
    if whole { above } else { usize::MAX }
}

/// What is known of a visitor, in a line.
pub(super) fn known_of(card: &Card) -> String {
    let words = [&card.country, &card.browser, &card.os, &card.language];
    let mut known = vec![device(card.device).to_owned()];
    known.extend(words.into_iter().flatten().cloned());
    known.extend(card.page.as_ref().map(|page| page.url.clone()));
    known.extend(card.referrer.as_ref().map(|referrer| format!("from {referrer}")));
    known.join(" · ")
}

/// The conversation's last lines, at least `wanted` of them if there are so many, each of at most
/// `width` columns; and whether these are all.
fn lines(
    desk: &Desk,
    open: &Conversation,
    width: usize,
    wanted: usize,
) -> (Vec<Line<'static>>, bool) {
    let mut last = going_on(desk, open, width);
    let started = open.started();
    let mut parts = Vec::new();
    let (mut filled, mut whole) = (last.len(), true);
    for event in open.events.iter().rev() {
        if filled >= wanted {
            whole = false;
            break;
        }
        let part = speak(Some(event.time.saturating_sub(started)), &told::tell(event), width);
        filled += part.len();
        parts.push(part);
    }
    if whole && open.has_earlier {
        parts.push(vec![Line::from("… there is more before this").dim()]);
    }
    let mut lines: Vec<_> = parts.into_iter().rev().flatten().collect();
    lines.append(&mut last);
    (lines, whole)
}

/// What is being said and is not an event yet.
fn going_on(desk: &Desk, open: &Conversation, width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let mut show = |tone, who: String, text: &str| {
        let told = Told { tone, who: Some(who), text: text.to_owned() };
        lines.extend(speak(None, &told, width).into_iter().map(Line::dim));
    };
    if let Some(draft) = &open.draft {
        show(Tone::Bot, "the bot is writing".to_owned(), draft);
    }
    if let Some(typing) = open.typing.as_ref().filter(|typing| typing.is_typing(desk.now)) {
        let who = format!("{} is typing", told::author(&typing.author));
        show(Tone::Visitor, who, typing.text.as_deref().unwrap_or("…"));
    }
    if let Some(pending) = &open.pending {
        show(Tone::Operator, "sending".to_owned(), pending);
    }
    lines
}

/// Somebody's words behind the time since the conversation began.
fn speak(at: Option<Millis>, told: &Told, width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let time = at.map_or_else(String::new, duration);
    let margin = format!("{time:>7} ");
    let indent = " ".repeat(margin.len());
    let style = match told.tone {
        Tone::Visitor => Style::new().fg(Color::Cyan).bold(),
        Tone::Bot => Style::new().fg(Color::Magenta),
        Tone::Operator => Style::new().fg(Color::Green).bold(),
        Tone::Note => Style::new().fg(Color::Yellow),
        Tone::Aside => Style::new().dim().italic(),
        Tone::Alarm => Style::new().fg(Color::Yellow).bold(),
    };
    let room = width.saturating_sub(margin.len());
    let said = told.tone != Tone::Aside && told.tone != Tone::Alarm;
    if let Some(who) = &told.who {
        let who = cut(&format!("{who}:"), room);
        lines.push(Line::from(vec![Span::from(margin.clone()).dim(), Span::styled(who, style)]));
    }
    for (number, line) in wrap(&told.text, room).into_iter().enumerate() {
        let first = told.who.is_none() && number == 0;
        let margin = if first { margin.clone() } else { indent.clone() };
        let text = if said { Span::from(line) } else { Span::styled(line, style) };
        lines.push(Line::from(vec![Span::from(margin).dim(), text]));
    }
    lines
}

fn writing(frame: &mut Frame<'_>, desk: &Desk, area: Rect) {
    let prompt = match desk.mode {
        Mode::Write | Mode::Unseen(_) => "Say> ",
        Mode::Note => "Note> ",
        Mode::Search => "Search> ",
        Mode::Reason => "Take over, because> ",
        Mode::List | Mode::Help => return,
    };
    let (view, column) = desk.editor.view(usize::from(area.width).saturating_sub(prompt.len()));
    frame.render_widget(Line::from(vec![Span::from(prompt).bold(), view.into()]), area);
    let column = u16::try_from(prompt.len() + column).unwrap_or(u16::MAX);
    frame.set_cursor_position(Position::new(area.x + column.min(area.width), area.y));
}

/// What operators are told while their server is degraded.
pub(super) const DEGRADED: &str =
    "Some messages may be late. What you send is kept and tried again.";

fn footing(desk: &Desk, width: u16) -> Line<'static> {
    let width = usize::from(width);
    if let Mode::Unseen(count) = desk.mode {
        let words = format!(
            "The visitor has said {count} more. Enter: send all the same · any other key: go on writing"
        );
        return Line::from(cut(&words, width)).fg(Color::Yellow).bold();
    }
    match (&desk.notice, &desk.link) {
        (Some(Notice::Problem(words)), _) => Line::from(cut(words, width)).fg(Color::Red),
        (_, Link::Offline(why)) => {
            let words = format!("Offline, connecting again … ({why})");
            Line::from(cut(&words, width)).fg(Color::Yellow)
        }
        (Some(Notice::Info(words)), _) => Line::from(cut(words, width)).fg(Color::Green),
        (None, _) if desk.degraded => Line::from(cut(DEGRADED, width)).fg(Color::Yellow),
        (None, _) => Line::from(cut(hint(desk), width)).dim(),
    }
}

fn hint(desk: &Desk) -> &'static str {
    match (desk.mode, &desk.open) {
        (Mode::Help, _) => "any key: back",
        (Mode::Write | Mode::Unseen(_), _) => "Enter: send · Esc: back to the keys",
        (Mode::Note, _) => "Enter: note it, for operators only · Esc: never mind",
        (Mode::Search, _) => "Enter: search (empty: all) · Esc: never mind",
        (Mode::Reason, _) => "Enter: take over · Esc: never mind",
        (Mode::List, None) => {
            "↑↓ Enter: observe · t: take over · f: filter · /: search · ?: help · q: quit"
        }
        (Mode::List, Some(_)) if desk.controls_open() => {
            "i: write · r: release · n: note · ↑↓ Enter: observe another · Esc: close · ?: help"
        }
        (Mode::List, Some(_)) => {
            "t: take over · n: note · ↑↓ Enter: observe another · Esc: close · ?: help"
        }
    }
}

fn help(frame: &mut Frame<'_>, area: Rect) {
    let lines: Vec<_> = HELP
        .iter()
        .map(|(keys, what)| {
            Line::from(vec![Span::from(format!("{keys:>9}  ")).bold(), (*what).into()])
        })
        .collect();
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX);
    let area = area.centered(Constraint::Max(76), Constraint::Max(height));
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(" Keys ")), area);
}

#[cfg(test)]
mod tests;
