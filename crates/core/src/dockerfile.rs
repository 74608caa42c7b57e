//! What a Dockerfile says of the image that it builds, as far as its text tells.
//!
//! It is read as docker's builder reads it, without building anything: what a `RUN` does or what a base image has
//! is not known here. Reference: <https://docs.docker.com/reference/dockerfile/>.

mod expand;
mod parse;
mod run;
mod stage;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;

pub use stage::{Copied, CopySource};

use crate::knowable::{Knowable, Reason};
use crate::secret::Secret;
use parse::{Instruction, Parsed};
use stage::{Arguments, Stage};

/// What compose gives a build besides the Dockerfile.
pub struct Build<'a> {
    /// `build.target`; none for the last stage.
    pub target: Option<&'a str>,
    /// `build.args`. One without a value takes the shell's, which is not known.
    pub arguments: &'a BTreeMap<String, Knowable<String>>,
    /// `build.additional_contexts`: what replaces the image or stage of a name.
    pub contexts: &'a BTreeMap<String, Knowable<String>>,
    /// The working directory of a base image, where it is known.
    pub working_directory: &'a dyn Fn(&str) -> Option<String>,
}

/// The image of a Dockerfile's target stage.
#[derive(Clone, Debug)]
pub struct Image {
    /// The image that the stages start from.
    pub base: Knowable<String>,
    /// `ENV`: each name once, with its last value.
    pub environment: Vec<EnvironmentEntry>,
    /// `COPY` and `ADD`, in their order.
    pub copies: Vec<Copied>,
    /// `ENTRYPOINT`; none for the base image's.
    pub entrypoint: Option<Vec<String>>,
    /// `CMD`; none for the base image's, or for no command at all where an entrypoint is set.
    pub command: Option<Vec<String>>,
    /// `USER`; none for the base image's.
    pub user: Option<Knowable<String>>,
    /// `WORKDIR`; none for the base image's.
    pub working_directory: Option<Knowable<String>>,
    /// What else may change the configuration and is not known, in the order of the file.
    pub doubts: Vec<Doubt>,
}

/// A variable that an image has.
#[derive(Clone, Debug)]
pub struct EnvironmentEntry {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Knowable<Secret>,
    /// `NAME=VALUE` in the Dockerfile, in bytes.
    pub span: Range<usize>,
}

/// Something that is not known, and which instruction it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// Why.
    pub reason: Reason,
    /// The instruction, in bytes.
    pub span: Range<usize>,
}

/// An instruction that docker refuses, and with it the whole file.
#[derive(Debug)]
struct Refused;

impl From<expand::Refused> for Refused {
    fn from(_: expand::Refused) -> Self {
        Self
    }
}

/// The image that a Dockerfile's text builds. Not known where docker would refuse the file.
pub fn read(text: &str, build: &Build<'_>) -> Knowable<Image> {
    let parsed = parse::parse(text);
    if let Some(reason) = foreign_syntax(&parsed) {
        return Knowable::Unknown(reason);
    }
    let mut builder = Builder {
        build,
        escape: parsed.escape,
        before_from: Arguments::default(),
        stages: Vec::new(),
    };
    for instruction in &parsed.instructions {
        if instruction.keyword == "FROM" && builder.has_target() {
            break;
        }
        if builder.take(instruction).is_err() {
            let line = text[..instruction.span.start].matches('\n').count() + 1;
            return Knowable::unknown(format!("docker refuses line {line} of its Dockerfile"));
        }
    }
    if let Some(reason) = builder.replaced_stage() {
        return Knowable::Unknown(reason);
    }
    match builder.target() {
        Some(stage) => Knowable::Known(stage.into_image()),
        None => Knowable::unknown("its Dockerfile has no such stage"),
    }
}

/// Another program than docker's own may read the text in any way.
fn foreign_syntax(parsed: &Parsed) -> Option<Reason> {
    let syntax = parsed.syntax.as_deref()?;
    let name = syntax.strip_prefix("docker.io/").unwrap_or(syntax);
    let is_docker = ["docker/dockerfile", "docker/dockerfile-upstream"]
        .iter()
        .any(|own| {
            name.strip_prefix(own)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '@']))
        });
    (!is_docker)
        .then(|| Reason::from("its Dockerfile is built by a program that `# syntax=` names"))
}

/// An image's name as docker shortens it: `docker.io/library/x` and `x:latest` are `x`.
fn familiar(image: &str) -> &str {
    let image = image.strip_prefix("docker.io/").unwrap_or(image);
    let image = image.strip_prefix("library/").unwrap_or(image);
    image.strip_suffix(":latest").unwrap_or(image)
}

/// The stages, as they are put together.
struct Builder<'a> {
    build: &'a Build<'a>,
    escape: char,
    /// `ARG` before the first `FROM`.
    before_from: Arguments,
    stages: Vec<Stage>,
}

impl Builder<'_> {
    fn take(&mut self, instruction: &Instruction) -> Result<(), Refused> {
        if instruction.keyword == "FROM" {
            return self.from(instruction);
        }
        let Some(stage) = self.stages.last_mut() else {
            if instruction.keyword != "ARG" {
                return Err(Refused);
            }
            return self
                .before_from
                .declare_global(instruction, self.escape, self.build);
        };
        stage.take(instruction, self.build, &self.before_from)
    }

    /// `FROM [--platform=…] IMAGE [AS NAME]`.
    fn from(&mut self, instruction: &Instruction) -> Result<(), Refused> {
        let words: Vec<&str> = instruction.rest.text.split_whitespace().collect();
        let (image, name) = match words[..] {
            [image] => (image, None),
            [image, keyword, name] if keyword.eq_ignore_ascii_case("as") => (image, Some(name)),
            _ => return Err(Refused),
        };
        let lookup = |name: &str| self.before_from.global(name);
        let image = expand::word(image, self.escape, &lookup)?;
        if image.known().is_some_and(String::is_empty) {
            return Err(Refused);
        }
        let earlier = image.known().and_then(|image| self.stage(image));
        let (mut stage, triggers) = match earlier {
            Some(earlier) => earlier.continued(),
            None => {
                let image = image.and_then(|image| self.replaced(image));
                (Stage::new(image, self.escape, self.build), Vec::new())
            }
        };
        stage.name = name.map(str::to_ascii_lowercase);
        for trigger in &triggers {
            stage.take(trigger, self.build, &self.before_from)?;
        }
        self.stages.push(stage);
        Ok(())
    }

    /// What a build context of this name puts in the place of an image.
    fn replaced(&self, image: String) -> Knowable<String> {
        let contexts = self.build.contexts.iter();
        let mut named = contexts.filter(|(name, _)| familiar(name) == familiar(&image));
        let Some((_, context)) = named.next() else {
            return Knowable::Known(image);
        };
        context
            .as_ref()
            .and_then(|context| match context.strip_prefix("docker-image://") {
                Some(image) => Knowable::Known(image.to_owned()),
                None => Knowable::unknown("its base image is replaced by a build context"),
            })
    }

    /// Docker takes a build context in the place of a stage, too.
    fn replaced_stage(&self) -> Option<Reason> {
        let mut names = self.stages.iter().filter_map(|stage| stage.name.as_ref());
        names
            .any(|name| {
                self.build
                    .contexts
                    .keys()
                    .any(|own| own.eq_ignore_ascii_case(name))
            })
            .then(|| "a stage of its Dockerfile is replaced by a build context".into())
    }

    /// The last stage of a name, which docker compares without regard to case.
    fn stage(&self, name: &str) -> Option<&Stage> {
        let name = name.to_ascii_lowercase();
        let mut stages = self.stages.iter().rev();
        stages.find(|stage| stage.name.as_ref() == Some(&name))
    }

    /// Whether the stage that is wanted is among those read, so that what follows does not matter.
    fn has_target(&self) -> bool {
        self.build
            .target
            .is_some_and(|name| self.position(name).is_some())
    }

    fn position(&self, target: &str) -> Option<usize> {
        let is_it = |stage: &Stage| {
            stage
                .name
                .as_ref()
                .is_some_and(|name| name.eq_ignore_ascii_case(target))
        };
        let by_number = || target.parse().ok().filter(|at| *at < self.stages.len());
        self.stages.iter().position(is_it).or_else(by_number)
    }

    fn target(mut self) -> Option<Stage> {
        let at = match self.build.target {
            Some(target) => self.position(target)?,
            None => self.stages.len().checked_sub(1)?,
        };
        Some(self.stages.swap_remove(at))
    }
}
