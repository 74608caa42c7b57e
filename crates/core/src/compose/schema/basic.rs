//! Forms that many keys have.

use super::forms::{Form, Forms, Items, MAX, MIN, Names};
use super::texts;

pub(super) const TEXT: Forms = &[Form::Text];
pub(super) const TEXTS: Forms = &[Form::List(Items::Any, TEXT)];
pub(super) const TEXTS_ONCE: Forms = &[Form::List(Items::Once, TEXT)];
pub(super) const TEXT_OR_TEXTS: Forms = &[Form::Text, Form::List(Items::Any, TEXT)];
pub(super) const NAMED: Forms = &[Form::List(Items::Named, TEXT)];
pub(super) const TEXT_OR_NAMED: Forms = &[Form::Text, Form::List(Items::Named, TEXT)];
pub(super) const SWITCH: Forms = &[Form::Bool, Form::Reads(&texts::SWITCH)];
pub(super) const LATE_SWITCH: Forms = &[Form::Bool, Form::Reads(&texts::LATE_SWITCH)];
pub(super) const FLAG: Forms = &[Form::Bool];
pub(super) const WHOLE: Form = Form::Whole(MIN, MAX);
pub(super) const NATURAL: Form = Form::Whole(0.0, MAX);
pub(super) const NUMBER: Form = Form::Number(MIN, MAX);
/// How many containers there are.
pub(super) const CONTAINERS: Forms = &[Form::Whole(0.0, 9e18), Form::Reads(&texts::COUNT)];
pub(super) const COUNT: Forms = &[NATURAL, Form::Reads(&texts::COUNT)];
/// A number of 64 bits.
pub(super) const QUANTITY: Forms = &[NUMBER, Form::Reads(&texts::INTEGER)];
pub(super) const LATE_QUANTITY: Forms = &[NUMBER, Form::Reads(&texts::LATE_INTEGER)];
pub(super) const LIMIT: Forms = &[Form::Digits(MIN, MAX), Form::Reads(&texts::INTEGER)];
pub(super) const RATIO: Forms = &[NUMBER, Form::Reads(&texts::NUMBER)];
pub(super) const CPUS: Forms = &[NUMBER, Form::Reads(&texts::LATE_NUMBER)];
pub(super) const BYTES: Forms = &[NUMBER, Form::Reads(&texts::SIZE)];
pub(super) const WHOLE_BYTES: Forms = &[WHOLE, Form::Reads(&texts::SIZE)];
pub(super) const DURATION: Forms = &[Form::Reads(&texts::DURATION)];
pub(super) const WORDS: Forms = &[
    Form::Reads(&texts::COMMAND),
    Form::List(Items::Any, TEXT),
    Form::Null,
];
pub(super) const SCALARS: Forms = &[Form::Text, NUMBER, Form::Bool, Form::Null];
/// Variables, labels and the like, of which the last of a name counts.
pub(super) const PAIRS: Forms = &[
    Form::Map(Names::Given, SCALARS),
    Form::List(Items::Named, TEXT),
];
/// The same where a list may have nothing twice.
pub(super) const PAIRS_ONCE: Forms = &[
    Form::Map(Names::Given, SCALARS),
    Form::List(Items::Once, TEXT),
];
pub(super) const OPTIONS: Forms = &[Form::Map(Names::Looked, &[Form::Text, NUMBER])];
