//! Positions in source text. All files of one program share one position space: a file's bytes occupy
//! `base .. base + len`, and one unused position lies between files, so that a position names its file.
use std::sync::Arc;

/// A half-open range of positions in the program's position space, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, PartialOrd, Ord)]
pub struct Span {
    pub lo: u32,
    pub hi: u32,
}

impl Span {
    pub const NONE: Span = Span { lo: 0, hi: 0 };

    pub fn new(lo: u32, hi: u32) -> Span {
        Span { lo, hi }
    }

    /// The smallest span that covers both.
    pub fn to(self, end: Span) -> Span {
        Span { lo: self.lo, hi: end.hi.max(self.hi) }
    }

    pub fn is_none(self) -> bool {
        self.hi == 0
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct FileId(pub u32);

/// One source file: its name as shown to the user and its text.
pub struct SourceFile {
    pub name: String,
    pub text: String,
    /// Position of the first byte.
    pub base: u32,
    line_starts: Vec<u32>,
}

impl SourceFile {
    /// Line and column (both from 1, the column in bytes, as Go counts) of a position.
    pub fn line_col(&self, pos: u32) -> (u32, u32) {
        let offset = pos.saturating_sub(self.base);
        let line = self.line_starts.partition_point(|&start| start <= offset);
        (line as u32, offset - self.line_starts[line - 1] + 1)
    }

    /// Position of a line's first byte, lines counted from 1.
    pub fn line_start(&self, line: u32) -> Option<u32> {
        self.line_starts.get((line as usize).checked_sub(1)?).map(|start| self.base + start)
    }

    /// The text of a line, counted from 1, without its line end.
    pub fn line_text(&self, line: u32) -> &str {
        let start = self.line_starts[line as usize - 1] as usize;
        let end = self.line_starts.get(line as usize).map_or(self.text.len(), |&e| e as usize);
        self.text[start..end].trim_end_matches(['\n', '\r'])
    }
}

/// All source files of one program. A copy shares the files.
#[derive(Default, Clone)]
pub struct SourceMap {
    files: Vec<Arc<SourceFile>>,
}

impl SourceMap {
    /// Adds a file. Position 0 is never used, so that `Span::NONE` names no place.
    pub fn add(&mut self, name: String, text: String) -> FileId {
        let base = self.files.last().map_or(1, |f| f.base + f.text.len() as u32 + 1);
        let mut line_starts = vec![0];
        line_starts.extend(text.match_indices('\n').map(|(i, _)| i as u32 + 1));
        self.files.push(Arc::new(SourceFile { name, text, base, line_starts }));
        FileId(self.files.len() as u32 - 1)
    }

    /// Shows the files under other names from now on.
    pub fn rename(&mut self, name: impl Fn(&str) -> String) {
        for file in &mut self.files {
            if let Some(file) = Arc::get_mut(file) {
                file.name = name(&file.name);
            }
        }
    }

    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    pub fn files(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().map(|f| &**f)
    }

    /// The file a position lies in, if any.
    pub fn find(&self, pos: u32) -> Option<&SourceFile> {
        if pos == 0 {
            return None;
        }
        let i = self.files.partition_point(|f| f.base <= pos);
        i.checked_sub(1).map(|i| &*self.files[i])
    }

    /// `(file name, line, column)` of a position.
    pub fn locate(&self, pos: u32) -> Option<(&str, u32, u32)> {
        let file = self.find(pos)?;
        let (line, col) = file.line_col(pos);
        Some((&file.name, line, col))
    }

    pub fn text(&self, span: Span) -> &str {
        match self.find(span.lo) {
            Some(f) => f.text.get((span.lo - f.base) as usize..(span.hi - f.base) as usize).unwrap_or(""),
            None => "",
        }
    }
}
