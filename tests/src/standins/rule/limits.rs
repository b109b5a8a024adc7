//! Requests and errors per account: rule.md section 6.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use super::stockholm;
use crate::standins::Answer;

const REQUESTS: usize = 2000;
const ERROR_PERCENT: usize = 49;
/// The vendor does not say from how many answers on it looks at the share; one failed call out of one cannot be it.
const SHARE_COUNTS_FROM: usize = 20;
const WINDOW: SignedDuration = SignedDuration::from_mins(10);

/// What one account did in the last ten minutes.
#[derive(Debug, Default)]
pub(super) struct Limits {
    answers: VecDeque<(Timestamp, bool)>,
    blocked_until: Option<Timestamp>,
    blocks: u32,
}

impl Limits {
    /// The 429 of a blocked account.
    pub(super) fn blocked(&mut self, now: Timestamp) -> Option<Answer> {
        let until = self.blocked_until.filter(|until| *until > now)?;
        // Both forms are seen in the wild: whole seconds, and Swedish local time without a zone.
        let (hint, body) = if self.blocks % 2 == 1 {
            let seconds = until.duration_since(now).as_secs() + 1;
            (seconds.to_string(), "Too Many Attempts.".to_owned())
        } else {
            let at = stockholm(until);
            (
                at.clone(),
                format!("You have exceeded the limit. You can send requests again at {at}."),
            )
        };
        Some(Answer::text(429, body).with("retry-after", hint))
    }

    /// Counts an answer. The answers of a block itself do not prolong it.
    pub(super) fn answered(&mut self, status: u16, now: Timestamp) {
        if status == 429 {
            return;
        }
        self.answers.push_back((now, status >= 400));
        while self
            .answers
            .front()
            .is_some_and(|(at, _)| now.duration_since(*at) >= WINDOW)
        {
            self.answers.pop_front();
        }
        let errors = self.answers.iter().filter(|(_, error)| *error).count();
        let many = self.answers.len() >= SHARE_COUNTS_FROM;
        let too_wrong = many && errors * 100 > self.answers.len() * ERROR_PERCENT;
        if self.answers.len() >= REQUESTS || too_wrong {
            self.blocked_until = now.checked_add(WINDOW).ok();
            self.blocks += 1;
            self.answers.clear();
        }
    }
}
