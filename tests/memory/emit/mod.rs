//! What the clock brings: days that come due, over weeks and years, and their bad days.

mod bad_days;
mod costs;
mod crowds;
mod days;
mod reminders;
mod years;

use crate::yard::{Yard, captured, customer, emitter, opened, whom};
