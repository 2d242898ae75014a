//! Texts with raised, lowered and bold parts. Marks are noncharacters of Unicode, which
//! src/report/math_text.h writes and no other text of a figure holds.

use crate::text::em_width as plain_em_width;

const SUPERSCRIPT: char = '\u{FDD0}';
const SUBSCRIPT: char = '\u{FDD1}';
const END: char = '\u{FDD2}'; // of a superscript or subscript
const BOLD: char = '\u{FDD3}';
const LIGHT: char = '\u{FDD4}'; // end of bold
const THIN_SPACE: char = '\u{FDD5}';
const WIDE_SPACE: char = '\u{FDD6}';
const WORD_SPACE: char = '\u{FDD7}'; // no place for a line break
const BASE: char = '\u{FDD8}'; // nothing, which the next superscript belongs to

const SCRIPT_SIZE: f64 = 0.7;
const RAISED_EM: f64 = 0.38;
const LOWERED_EM: f64 = -0.18;
const BOLD_STROKE_EM: f64 = 0.035;

pub fn is_mark(character: char) -> bool {
    (SUPERSCRIPT..=BASE).contains(&character)
}

pub fn is_marked(text: &str) -> bool {
    text.contains(is_mark)
}

/// A part of a text that is drawn in one size at one height; lengths in em of the whole text.
struct Run {
    text: String,
    left: f64,
    width: f64,
    size: f64,
    rise: f64,
    bold: bool,
}

#[derive(Clone, Copy)]
struct Script {
    size: f64, // outside of it
    rise: f64,
    left: f64,
    right: f64, // at least: the end of the script that it stands above or below
}

struct Typesetter {
    runs: Vec<Run>,
    text: String,
    pen: f64,
    size: f64,
    rise: f64,
    bold: bool,
    open: Vec<Script>,
    last: Option<(f64, f64)>, // extent of a script that ended just here
}

impl Typesetter {
    fn flush(&mut self) -> Result<(), String> {
        if self.text.is_empty() {
            return Ok(());
        }
        let width = plain_em_width(&self.text)? * self.size;
        self.runs.push(Run {
            text: std::mem::take(&mut self.text),
            left: self.pen,
            width,
            size: self.size,
            rise: self.rise,
            bold: self.bold,
        });
        self.pen += width;
        Ok(())
    }

    fn begin(&mut self, shift: f64) -> Result<(), String> {
        self.flush()?;
        let (left, right) = self.last.take().unwrap_or((self.pen, self.pen));
        self.open.push(Script {
            size: self.size,
            rise: self.rise,
            left,
            right,
        });
        self.pen = left;
        self.rise += shift * self.size;
        self.size *= SCRIPT_SIZE;
        Ok(())
    }

    fn end(&mut self) -> Result<(), String> {
        self.flush()?;
        if let Some(script) = self.open.pop() {
            (self.size, self.rise) = (script.size, script.rise);
            self.pen = self.pen.max(script.right);
            self.last = Some((script.left, self.pen));
        }
        Ok(())
    }

    fn add(&mut self, character: char) -> Result<(), String> {
        match character {
            SUPERSCRIPT => return self.begin(RAISED_EM),
            SUBSCRIPT => return self.begin(LOWERED_EM),
            END => return self.end(),
            BOLD | LIGHT => {
                self.flush()?;
                self.bold = character == BOLD;
            }
            THIN_SPACE => self.text.push('\u{2009}'),
            WIDE_SPACE => self.text.push('\u{2003}'),
            WORD_SPACE => self.text.push('\u{A0}'),
            BASE => {}
            _ => self.text.push(character),
        }
        self.last = None;
        Ok(())
    }
}

fn typeset(text: &str) -> Result<Vec<Run>, String> {
    let mut setter = Typesetter {
        runs: Vec::new(),
        text: String::new(),
        pen: 0.0,
        size: 1.0,
        rise: 0.0,
        bold: false,
        open: Vec::new(),
        last: None,
    };
    for character in text.chars() {
        setter.add(character)?;
    }
    setter.flush()?;
    Ok(setter.runs)
}

fn right_of(runs: &[Run]) -> f64 {
    let right = runs.iter().map(|run| run.left + run.width);
    right.fold(0.0, f64::max)
}

/// As drawn, in em.
pub fn em_width(text: &str) -> Result<f64, String> {
    Ok(right_of(&typeset(text)?))
}

/// The parts between which a text without spaces may be broken: a character with what belongs to
/// it, its superscripts and subscripts among that; a bold part as a whole.
pub fn atoms(word: &str) -> Vec<&str> {
    use unicode_segmentation::UnicodeSegmentation;
    let mut out: Vec<(usize, usize)> = Vec::new();
    let mut depth = 0;
    for (at, cluster) in word.grapheme_indices(true) {
        let end = at + cluster.len();
        let first = cluster.chars().next().unwrap_or_default();
        let opens = matches!(first, SUPERSCRIPT | SUBSCRIPT | BOLD);
        let belongs = depth > 0 || (is_mark(first) && first != BOLD);
        match out.last_mut() {
            Some(last) if belongs => last.1 = end,
            _ => out.push((at, end)),
        }
        if opens {
            depth += 1;
        } else if matches!(first, END | LIGHT) {
            depth -= 1;
        }
    }
    out.into_iter().map(|(at, end)| &word[at..end]).collect()
}

/// The content of an SVG text of `font_size` at `place`, with the part `before` of its width to the
/// left of it: a <tspan> for each run, at an absolute place. `text` is escaped.
pub fn spans(text: &str, place: (f64, f64), before: f64, font_size: f64) -> Result<String, String> {
    let runs = typeset(&unescaped(text))?;
    let left = place.0 - before * right_of(&runs) * font_size;
    let mut out = String::new();
    for run in runs {
        let (x, y) = (left + run.left * font_size, place.1 - run.rise * font_size);
        let size = run.size * font_size;
        let mut style = String::new();
        if run.size != 1.0 {
            style += &format!(" font-size=\"{size:.1}\"");
        }
        if run.bold {
            let width = BOLD_STROKE_EM * size;
            style += &format!(" stroke=\"#000000\" stroke-width=\"{width:.1}\"");
        }
        let text = escaped(&run.text).replace(' ', "\u{A0}"); // at the ends too
        out += &format!("<tspan x=\"{x:.0}\" y=\"{y:.0}\"{style}>{text}</tspan>");
    }
    Ok(out)
}

const ENTITIES: [(&str, &str); 5] = [
    ("&", "&amp;"), // first, and last the other way
    ("<", "&lt;"),
    (">", "&gt;"),
    ("\"", "&quot;"),
    ("'", "&apos;"),
];

fn escaped(text: &str) -> String {
    let replace = |text: String, (plain, entity): &(&str, &str)| text.replace(plain, entity);
    ENTITIES.iter().fold(text.to_string(), replace)
}

fn unescaped(text: &str) -> String {
    let replace = |text: String, (plain, entity): &(&str, &str)| text.replace(entity, plain);
    ENTITIES.iter().rev().fold(text.to_string(), replace)
}
