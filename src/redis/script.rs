//! Lua scripts. A server keeps those that it has seen, until it restarts or another takes over: they
//! are called by their digest, and sent whole to a server that does not know it.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use redis::{Arg, Cmd, Pipeline, ServerErrorKind, Value};

use super::RedisFault;

/// A script of this engine's.
#[derive(Debug, Clone)]
pub struct Script {
    digest: Arc<str>,
}

/// Every script, by its digest. As many as the source code has.
#[derive(Default)]
pub(super) struct Scripts(RwLock<HashMap<Arc<str>, &'static str>>);

impl Script {
    /// A call of it with these keys; arguments may follow.
    pub fn call(&self, keys: &[String]) -> Cmd {
        let mut call = redis::cmd("EVALSHA");
        call.arg(&*self.digest).arg(keys.len()).arg(keys);
        call
    }
}

impl Scripts {
    pub(super) fn add(&self, source: &'static str) -> Script {
        let digest: Arc<str> = redis::Script::new(source).get_hash().into();
        let mut scripts = self.0.write().unwrap_or_else(PoisonError::into_inner);
        scripts.insert(Arc::clone(&digest), source);
        Script { digest }
    }

    /// The calls of scripts that the server did not know, with the scripts whole, and where they
    /// stood in the pipeline.
    pub(super) fn unknown(
        &self,
        pipeline: &Pipeline,
        answers: &[Result<Value, RedisFault>],
    ) -> Option<(Pipeline, Vec<usize>)> {
        let unknown = |answer: &Result<Value, RedisFault>| {
            matches!(
                answer,
                Ok(Value::ServerError(error)) if error.kind() == Some(ServerErrorKind::NoScript)
            )
        };
        if !answers.iter().any(unknown) {
            return None;
        }
        let mut whole = Pipeline::new();
        let mut places = Vec::new();
        for (place, (command, answer)) in pipeline.cmd_iter().zip(answers).enumerate() {
            if unknown(answer)
                && let Some(call) = self.whole(command)
            {
                whole.add_command(call);
                places.push(place);
            }
        }
        Some((whole, places))
    }

    fn whole(&self, call: &Cmd) -> Option<Cmd> {
        let mut arguments = call.args_iter().filter_map(|argument| match argument {
            Arg::Simple(argument) => Some(argument),
            _ => None,
        });
        let (_, digest) = (arguments.next()?, arguments.next()?);
        let scripts = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let source = scripts.get(std::str::from_utf8(digest).ok()?)?;
        let mut whole = redis::cmd("EVAL");
        whole.arg(source);
        for argument in arguments {
            whole.arg(argument);
        }
        Some(whole)
    }
}
