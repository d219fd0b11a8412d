//! Files of data as the command line names them.

use std::path::PathBuf;

use papo_data::{DataFile, DataFormat, Input, Paragraphs, named_files};

use crate::arguments::{DataTask, LineFlags, ParagraphsName};
use crate::failure::Failure;

/// The files that names stand for, folders and patterns included; `holds` goes before what their names tell.
pub fn data_files(names: &[PathBuf], holds: Option<DataTask>) -> Result<Vec<DataFile>, Failure> {
    let holds = holds.map(|holds| match holds {
        DataTask::Text => DataFormat::Text,
        DataTask::Pairs => DataFormat::Pairs,
        DataTask::Dialogue => DataFormat::Dialogues,
    });
    let files = named_files(names)?;
    Ok(files.into_iter().map(|path| DataFile { holds, ..DataFile::new(path) }).collect())
}

/// Refuses standard input that is to be two things at once.
pub fn check_standard_input<'a>(files: impl Iterator<Item = &'a DataFile>) -> Result<(), Failure> {
    match files.flat_map(DataFile::inputs).filter(|input| Input::is_standard(input)).count() {
        0 | 1 => Ok(()),
        _ => Err(Failure::Usage(
            "standard input (-) is named more than once and can be read only once; write one of them to a file".into(),
        )),
    }
}

/// When lines are joined into paragraphs.
pub fn paragraphs(lines: LineFlags) -> Paragraphs {
    match lines.paragraphs {
        ParagraphsName::Auto => Paragraphs::Auto,
        ParagraphsName::Join => Paragraphs::Join,
        ParagraphsName::Keep => Paragraphs::Keep,
    }
}
