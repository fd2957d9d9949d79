use vigie_protocol::error::RpcError;
use vigie_protocol::event::Control;
use vigie_protocol::id::VisitorId;
use vigie_protocol::method::Subscribed;
use vigie_protocol::push::{Status, TypingSignal};

use super::*;

/// A conversation that goes on, and what it has shown.
struct Story {
    conversation: Conversation,
    session: SessionId,
    offset: u64,
}

impl Story {
    fn begin() -> Self {
        let session = SessionId::nth(visitor(), 1);
        let mut story = Self { conversation: Conversation::new(), session, offset: 0 };
        story.connect(session);
        story
    }

    fn connect(&mut self, session: SessionId) -> Vec<Entry> {
        self.session = session;
        self.conversation.hear(ClientEvent::Connected(Identity::Visitor {
            site: "demo".parse().unwrap(),
            visitor: visitor(),
            session,
            resume: "private".into(),
            offset: 0,
            control: Control { epoch: 1, holder: Holder::Bot {}, since: 0 },
        }))
    }

    fn happens(&mut self, author: Author, body: EventBody) -> Vec<Entry> {
        self.offset += 1;
        let event = Event { offset: self.offset, time: 0, author, body };
        self.conversation.hear(ClientEvent::Event { session: self.session, event })
    }

    fn says(&mut self, author: Author, text: &str, choices: &[(&str, ChoiceAction)]) -> Vec<Entry> {
        let choices = choices
            .iter()
            .map(|(label, action)| Choice { label: (*label).into(), action: *action })
            .collect();
        let text = text.to_owned();
        let message = ChatMessage { text, epoch: 1, key: None, turn: None, choices };
        self.happens(author, EventBody::Message(message))
    }

    fn enters(&mut self, line: &str) -> Option<Wish> {
        assert_eq!(self.conversation.enter(line), Some(vec![]));
        self.conversation.next_wish()
    }

    fn control(&mut self, holder: Holder, notice: Option<&str>) -> Vec<Entry> {
        let change = ControlChange {
            epoch: 2,
            holder,
            previous: Holder::Bot {},
            cause: ControlCause::TakeOver,
            reason: None,
            notice: notice.map(str::to_owned),
        };
        self.happens(Author::System {}, EventBody::ControlChanged(change))
    }
}

fn visitor() -> VisitorId {
    VisitorId::from(uuid::Uuid::from_u128(7))
}

fn bot() -> Author {
    Author::Bot { name: "Plume".into() }
}

fn ann() -> Author {
    Author::Operator { id: None, name: "Ann".into() }
}

fn done() -> Result<Done, CallError> {
    Ok(Done { offset: 2, epoch: 1 })
}

fn refused(code: ErrorCode) -> Result<Done, CallError> {
    Err(CallError::Refused(RpcError::new(code, "no")))
}

fn notice(text: &str) -> Vec<Entry> {
    vec![Entry::Notice(text.into())]
}

#[test]
fn everybody_s_words_are_shown_as_theirs() {
    let mut story = Story::begin();
    assert_eq!(story.says(Author::Visitor {}, "hi", &[]), [Entry::Mine("hi".into())]);
    let (name, text) = ("Plume".to_owned(), "hello".to_owned());
    assert_eq!(story.says(bot(), "hello", &[]), [Entry::Bot { name, text }]);
    let (name, text) = ("Ann".to_owned(), "it's me".to_owned());
    assert_eq!(story.says(ann(), "it's me", &[]), [Entry::Agent { name, text }]);
}

#[test]
fn the_visitor_is_told_who_is_with_them_in_the_site_s_words() {
    let mut story = Story::begin();
    let ann = Holder::Operator { id: None, name: "Ann".into() };
    assert_eq!(story.control(ann.clone(), Some("Ann est là.")), notice("Ann est là."));
    assert_eq!(story.control(ann, None), notice("Ann, a live agent, is with you now."));
    assert_eq!(story.control(Holder::Bot {}, None), notice("The bot goes on."));
}

#[test]
fn a_number_picks_a_choice_of_the_latest_message_only() {
    let mut story = Story::begin();
    let offered = [("Shipping", ChoiceAction::Send), ("Ask a human", ChoiceAction::RequestHuman)];
    let shown = story.says(bot(), "What is it about?", &offered);
    assert_eq!(shown[2], Entry::Choice { number: 2, label: "Ask a human".into() });
    assert_eq!(story.enters("1"), Some(Wish::Say("Shipping".into())));
    story.conversation.carried_out(done());
    assert_eq!(story.enters("2"), Some(Wish::Human));
    story.conversation.carried_out(done());
    assert_eq!(story.enters("3"), Some(Wish::Say("3".into())));
    story.conversation.carried_out(done());
    story.says(bot(), "Two days.", &[]);
    assert_eq!(story.enters("1"), Some(Wish::Say("1".into())));
}

#[test]
fn wishes_are_carried_out_one_after_the_other_in_order() {
    let mut story = Story::begin();
    assert_eq!(story.enters("one"), Some(Wish::Say("one".into())));
    assert_eq!(story.enters("two"), None);
    assert_eq!(story.conversation.status(), "sending …");
    story.conversation.carried_out(done());
    assert_eq!(story.conversation.next_wish(), Some(Wish::Say("two".into())));
}

#[test]
fn what_was_refused_is_shown_with_the_reason_and_not_sent_again() {
    let mut story = Story::begin();
    story.enters("too much");
    let shown = story.conversation.carried_out(refused(ErrorCode::SessionFull));
    let [Entry::Problem(problem)] = &shown[..] else { panic!("{shown:?}") };
    assert!(problem.contains("too much"), "{problem}");
    assert_eq!(story.conversation.next_wish(), None);
}

#[test]
fn a_lost_connection_is_told_and_what_waits_is_counted() {
    let mut story = Story::begin();
    story.enters("hello");
    let lost = CallError::Unanswered(vigie_client::Closed {
        code: None,
        reason: "cut".into(),
        reconnect: true,
    });
    assert_eq!(
        story.conversation.hear(ClientEvent::Disconnected(lost)),
        notice("The connection is lost. Trying again.")
    );
    assert!(story.conversation.status().contains("1 not delivered yet"));
    assert_eq!(story.connect(story.session), notice("Connected again."));
}

#[test]
fn while_the_server_is_degraded_the_line_below_says_so_and_counts_what_waits() {
    let mut story = Story::begin();
    let status = |degraded| ClientEvent::Status(Status { degraded });
    assert_eq!(story.conversation.hear(status(true)), []);
    assert_eq!(story.conversation.status(), "some messages may be late");
    story.enters("hello");
    assert!(story.conversation.status().contains("may be late; 1 not delivered yet, kept"));
    story.conversation.hear(status(false));
    assert_eq!(story.conversation.status(), "sending …");
}

#[test]
fn each_connection_is_well_until_told_otherwise() {
    let mut story = Story::begin();
    story.conversation.hear(ClientEvent::Status(Status { degraded: true }));
    let closed = vigie_client::Closed { code: None, reason: "cut".into(), reconnect: true };
    story.conversation.hear(ClientEvent::Disconnected(CallError::Unanswered(closed)));
    story.connect(story.session);
    assert!(!story.conversation.status().contains("late"));
}

#[test]
fn a_conversation_whose_end_was_lost_is_shown_anew_and_what_is_unsent_goes_on() {
    let mut story = Story::begin();
    story.conversation.follows_up_to(2);
    story.says(Author::Visitor {}, "hi", &[]);
    story.says(bot(), "hello", &[("A", ChoiceAction::Send)]);
    assert_eq!(story.enters("where is it?"), Some(Wish::Say("where is it?".into())));
    let told = story.conversation.hear(ClientEvent::Resync);
    let [Entry::Notice(words)] = told.as_slice() else { panic!("{told:?}") };
    assert!(words.contains("shown again from its beginning"), "{words}");
    assert!(!story.conversation.is_caught_up());
    // The choices that were offered are not any more.
    story.conversation.enter("1");
    assert!(!story.conversation.is_delivered());
    let control = Control { epoch: 1, holder: Holder::Bot {}, since: 0 };
    let subscribed = Subscribed { session: story.session, offset: 1, control, card: None };
    story.conversation.hear(ClientEvent::Renewed(subscribed));
    story.offset = 0;
    assert_eq!(story.says(Author::Visitor {}, "hi", &[]), [Entry::Mine("hi".into())]);
    assert!(story.conversation.is_caught_up());
    story.conversation.carried_out(done());
    assert_eq!(story.conversation.next_wish(), Some(Wish::Say("1".into())));
}

#[test]
fn a_new_session_is_caught_up_with_from_its_first_event() {
    let mut story = Story::begin();
    story.conversation.follows_up_to(7);
    story.connect(SessionId::nth(visitor(), 2));
    assert!(story.conversation.is_caught_up());
}

#[test]
fn after_a_closed_session_the_next_words_go_into_another() {
    let mut story = Story::begin();
    let closed = EventBody::SessionClosed { cause: CloseCause::Operator };
    assert_eq!(
        story.happens(Author::System {}, closed),
        notice("This conversation was closed. Write to start another.")
    );
    assert!(!story.conversation.wants_new_session());
    assert_eq!(story.enters("hello again"), None);
    assert!(story.conversation.wants_new_session());
    story.conversation.leaves_session();
    assert!(!story.conversation.wants_new_session());
    story.connect(SessionId::nth(visitor(), 2));
    assert_eq!(story.conversation.next_wish(), Some(Wish::Say("hello again".into())));
}

#[test]
fn words_that_find_the_session_closed_wait_for_the_next_one() {
    let mut story = Story::begin();
    story.enters("hello");
    assert_eq!(story.conversation.carried_out(refused(ErrorCode::SessionClosed)), []);
    assert!(story.conversation.wants_new_session());
}

#[test]
fn a_conversation_is_settled_when_the_last_word_is_not_the_visitor_s() {
    let mut story = Story::begin();
    assert!(story.conversation.is_settled());
    story.enters("hi");
    assert!(!story.conversation.is_settled());
    story.says(Author::Visitor {}, "hi", &[]);
    story.conversation.carried_out(done());
    assert!(!story.conversation.is_settled());
    story.says(bot(), "hello", &[]);
    assert!(story.conversation.is_settled());
}

#[test]
fn a_conversation_is_caught_up_when_all_that_was_said_before_is_shown() {
    let mut story = Story::begin();
    assert!(!story.conversation.is_caught_up());
    story.conversation.follows_up_to(1);
    assert!(!story.conversation.is_caught_up());
    story.says(bot(), "hello", &[]);
    assert!(story.conversation.is_caught_up());
}

#[test]
fn somebody_typing_is_shown_until_they_speak() {
    let mut story = Story::begin();
    let signal = TypingSignal { session: story.session, author: ann(), text: None };
    story.conversation.hear(ClientEvent::Typing(signal));
    assert_eq!(story.conversation.status(), "Ann is typing …");
    story.says(ann(), "hello", &[]);
    assert!(!story.conversation.status().contains("Ann"));
}

#[test]
fn commands_are_told_from_words() {
    let mut story = Story::begin();
    assert_eq!(story.enters("/human"), Some(Wish::Human));
    story.conversation.carried_out(done());
    assert_eq!(
        story.enters("/etc/hosts is a file"),
        Some(Wish::Say("/etc/hosts is a file".into()))
    );
    assert!(matches!(story.conversation.enter("/humna").as_deref(), Some([Entry::Problem(_)])));
    assert_eq!(story.conversation.enter("/quit"), None);
}
