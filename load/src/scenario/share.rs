//! What one of several processes takes of a scenario.

use super::{Scenario, Watchers};

impl Scenario {
    /// The share of this of so many processes: together they are the whole.
    ///
    /// # Errors
    /// There is too little of something to give each of them its share.
    pub fn share(&self, part: u32, parts: u32) -> Result<Self, String> {
        if parts <= 1 {
            return Ok(self.clone());
        }
        let of = |count: u32| count / parts + u32::from(part < count % parts);
        let rate = 1.0 / f64::from(parts);
        let mut share = self.clone();
        share.visitors.count = of(self.visitors.count);
        share.visitors.per_second *= rate;
        if share.visitors.count == 0 {
            return Err(format!("{parts} processes for {} visitors", self.visitors.count));
        }
        if let Some(chat) = &mut share.chat {
            chat.messages_per_second *= rate;
        }
        if let Some(takeovers) = &mut share.takeovers {
            takeovers.per_second *= rate;
        }
        if let Some(observers) = &mut share.observers {
            observers.count = of(observers.count);
            if observers.count == 0 {
                return Err(format!("each of {parts} processes needs an operator who observes"));
            }
        }
        if let Some(bots) = &mut share.bots {
            bots.count = of(bots.count);
        }
        if let Some(stalls) = &mut share.stalls {
            stalls.operators = of(stalls.operators);
        }
        if let Some(watchers) = &mut share.watchers {
            watchers.count = of(watchers.count);
        }
        share.bots.take_if(|bots| bots.count == 0);
        share.watchers.take_if(|Watchers { count, .. }| *count == 0);
        // Those of a process without any still have to tell apart when others stall.
        if share.chat.is_some() && share.talkers_before(share.visitors.count) == 0 {
            return Err(format!("of {parts} processes some have nobody who talks"));
        }
        Ok(share)
    }
}

#[cfg(test)]
mod tests {
    use crate::scenario::Changes;

    use super::*;

    #[test]
    fn shares_are_the_whole_together() {
        let whole = Scenario::load("mixed-day", Changes::default()).unwrap();
        let shares: Vec<_> = (0..3).map(|part| whole.share(part, 3).unwrap()).collect();
        let sum = |of: fn(&Scenario) -> u32| shares.iter().map(of).sum::<u32>();
        assert_eq!(sum(|share| share.visitors.count), whole.visitors.count);
        assert_eq!(sum(Scenario::staff), whole.staff());
        let rate = |of: &Scenario| of.chat.as_ref().unwrap().messages_per_second;
        assert!((shares.iter().map(rate).sum::<f64>() - rate(&whole)).abs() < 1e-9);
    }

    #[test]
    fn a_process_without_an_operator_to_observe_is_refused() {
        let whole = Scenario::load("observed", Changes::default()).unwrap();
        let operators = whole.observers.as_ref().unwrap().count;
        assert!(whole.share(0, operators + 1).is_ok(), "the first has one");
        assert!(whole.share(operators, operators + 1).unwrap_err().contains("needs an operator"));
    }
}
