//! Seeing to effects: the one place where a session acts on the rest of the engine.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;
use vigie_protocol::event::{Author, BotFailure, Epoch, Event, EventBody, Holder, Offset};
use vigie_protocol::push::{HandedBack, RevokeReason, Turn, TurnRevoked};

use super::{Answer, SessionActor, State};
use crate::actors::operator::{Hold, LetGo};
use crate::bots::{Bot, BotId, knowledge};
use crate::cluster::message::{BotTold, Message};
use crate::core::decide::Command;
use crate::core::effect::Effect;
use crate::core::site::BotKind;
use crate::core::view::{Audience, visible_to};

/// How long the node of a bot has to say that it has passed a question on.
const PASSED_ON_WITHIN: Duration = Duration::from_secs(1);

/// A turn that somebody was asked to answer.
pub(super) struct Asked {
    epoch: Epoch,
    turn: Offset,
    /// The bot that serves; none for the embedded bot, or while no bot serves.
    bot: Option<BotId>,
    /// When the turn is given up, however often it was asked.
    deadline: Instant,
    /// Gives the turn up.
    timer: SpawnHandle,
    /// The embedded bot at work.
    answering: Option<SpawnHandle>,
    /// Asks again a bot at another node, of which nothing was heard.
    unheard: Option<SpawnHandle>,
}

impl SessionActor {
    pub(super) fn perform(&mut self, effect: Effect, context: &mut Context<Self>) {
        let State::Folded(folded) = &self.state else { return };
        match effect {
            Effect::AskBot { epoch, turn } => {
                self.ask_bot(epoch, turn, self.node.config.bots.turn_timeout, context);
            }
            Effect::RevokeTurn { turn, reason } => self.revoke_turn(turn, reason),
            Effect::HandBack => self.hand_back(),
            Effect::Hold { operator, epoch } => {
                let name = match &folded.session().control().holder {
                    Holder::Operator { name, .. } => name.clone(),
                    Holder::Bot {} => operator.to_string(),
                };
                let operator = self.node.operator(&folded.site, &operator);
                operator.do_send(Hold { session: self.id, epoch, name });
            }
            Effect::LetGo { operator } => {
                let operator = self.node.operator(&folded.site, &operator);
                operator.do_send(LetGo { session: self.id });
            }
        }
    }

    fn ask_bot(
        &mut self,
        epoch: Epoch,
        turn: Offset,
        timeout: Duration,
        context: &mut Context<Self>,
    ) {
        self.drop_asked(context);
        let State::Folded(folded) = &self.state else { return };
        let bot = folded.site.bots.assign(self.id, self.bot);
        self.bot = bot.as_ref().map(|bot| bot.id);
        let (mut answering, mut unheard) = (None, None);
        if let Some(bot) = &bot {
            let question = BotTold::Turn(Turn {
                session: self.id,
                epoch,
                turn,
                language: folded.session().context().language.clone(),
                messages: folded.session().transcript().filter_map(for_bots).collect(),
                timeout: timeout.as_millis() as u64,
            });
            self.tell_bot(bot, question);
            if bot.outbox.is_none() {
                unheard = Some(context.run_later(PASSED_ON_WITHIN, Self::ask_again));
            }
        } else if folded.site.settings.bot == BotKind::Knowledge {
            folded.site.bots.settle(self.id);
            answering = Some(self.ask_knowledge(epoch, turn, context));
        }
        let served = bot.is_some() || answering.is_some();
        let timer = context.run_later(timeout, move |this, context| {
            let reason = if served { BotFailure::Timeout } else { BotFailure::Unavailable };
            let command = Command::FailTurn { epoch, turn, reason, detail: None };
            this.enqueue(command, Answer::Nobody, context);
        });
        let bot = bot.map(|bot| bot.id);
        let deadline = Instant::now() + timeout;
        let asked = Asked { epoch, turn, bot, deadline, timer, answering, unheard };
        self.asked = Some(Box::new(asked));
    }

    /// Tells a bot something, over its connection or over the node that has it.
    fn tell_bot(&self, bot: &Bot, told: BotTold) {
        let State::Folded(folded) = &self.state else { return };
        match (&bot.outbox, &self.node.cluster) {
            (Some(outbox), _) => told.notify(outbox),
            (None, Some(cluster)) => {
                let (node, connection) = bot.id;
                let site = folded.site.site.id.clone();
                cluster.send(node, &Message::Bot { site, connection, told });
            }
            (None, None) => {}
        }
    }

    /// The question has reached the bot.
    pub(super) fn bot_has(&mut self, turn: Offset, context: &mut Context<Self>) {
        if let Some(asked) = self.asked.as_mut().filter(|asked| asked.turn == turn)
            && let Some(timer) = asked.unheard.take()
        {
            context.cancel_future(timer);
        }
    }

    /// A question to a bot at another node may have been lost on its way.
    fn ask_again(&mut self, context: &mut Context<Self>) {
        let Some(asked) = &mut self.asked else { return };
        asked.unheard = None;
        let (epoch, turn) = (asked.epoch, asked.turn);
        let left = asked.deadline.saturating_duration_since(Instant::now());
        self.ask_bot(epoch, turn, left, context);
    }

    fn ask_knowledge(
        &self,
        epoch: Epoch,
        turn: Offset,
        context: &mut Context<Self>,
    ) -> SpawnHandle {
        let State::Folded(folded) = &self.state else { return SpawnHandle::default() };
        let (site, store) = (Arc::clone(&folded.site), Arc::clone(&self.node.store));
        let language = folded.session().context().language.clone();
        let asked: Vec<_> = folded.session().transcript().filter_map(asked_by_visitor).collect();
        let answer = async move {
            let (id, settings) = (&site.site.id, &site.settings);
            let answer = knowledge::answer(&*store, id, settings, language.as_deref(), &asked);
            (answer.await, settings.bot_name.clone())
        };
        context.spawn(answer.into_actor(self).map(move |(answer, name), this, context| {
            let command = match answer {
                Ok(answer) => Command::Answer {
                    name,
                    epoch,
                    turn,
                    text: answer.text,
                    choices: answer.choices,
                },
                Err(error) => {
                    tracing::warn!(session = %this.id, %error, "the knowledge bot failed");
                    let (reason, detail) = (BotFailure::Error, Some(error.to_string()));
                    Command::FailTurn { epoch, turn, reason, detail }
                }
            };
            this.enqueue(command, Answer::Nobody, context);
        }))
    }

    fn revoke_turn(&mut self, turn: Offset, reason: RevokeReason) {
        if let (Some(asked), State::Folded(folded)) = (&self.asked, &self.state)
            && let Some(bot) = asked.bot.and_then(|bot| folded.site.bots.bot(bot))
        {
            let (session, epoch) = (self.id, folded.session().epoch());
            self.tell_bot(&bot, BotTold::Revoked(TurnRevoked { session, turn, epoch, reason }));
        }
    }

    fn hand_back(&self) {
        let State::Folded(folded) = &self.state else { return };
        if let Some(bot) = folded.site.bots.bot_for(self.id, self.bot) {
            let (stretch, truncated) = folded.session().human_stretch();
            let handed_back = HandedBack {
                session: self.id,
                epoch: folded.session().epoch(),
                messages: stretch.iter().filter_map(for_bots).collect(),
                truncated,
            };
            self.tell_bot(&bot, BotTold::HandedBack(handed_back));
        }
    }

    /// A turn that is no longer open is nobody's business any more.
    pub(super) fn settle_turn(&mut self, context: &mut Context<Self>) {
        let State::Folded(folded) = &self.state else { return };
        let open = folded.wants.turn;
        if self.asked.as_ref().is_some_and(|asked| open != Some((asked.epoch, asked.turn))) {
            self.drop_asked(context);
        }
    }

    /// Asks again if the bot that was asked is gone, or if there was none.
    pub(super) fn ask_another_bot(&mut self, context: &mut Context<Self>) {
        let (Some(asked), State::Folded(folded)) = (&self.asked, &self.state) else { return };
        let gone = asked.bot.is_none_or(|bot| folded.site.bots.bot(bot).is_none());
        if gone && asked.answering.is_none() {
            let (epoch, turn) = (asked.epoch, asked.turn);
            let left = asked.deadline.saturating_duration_since(Instant::now());
            self.ask_bot(epoch, turn, left, context);
        }
    }

    pub(super) fn drop_asked(&mut self, context: &mut Context<Self>) {
        let Some(asked) = self.asked.take() else { return };
        context.cancel_future(asked.timer);
        for running in [asked.answering, asked.unheard].into_iter().flatten() {
            context.cancel_future(running);
        }
        if let State::Folded(folded) = &self.state {
            folded.site.bots.settle(self.id);
        }
    }
}

fn for_bots(event: &Arc<Event>) -> Option<Event> {
    visible_to(event, Audience::Bot).map(Cow::into_owned)
}

fn asked_by_visitor(event: &Arc<Event>) -> Option<String> {
    match (&event.author, &event.body) {
        (Author::Visitor {}, EventBody::Message(message)) => Some(message.text.clone()),
        _ => None,
    }
}
