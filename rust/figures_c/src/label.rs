//! Texts that fit the place they have: on one line, or broken, or smaller, or cut with a note.

use crate::markup::atoms;
use crate::text::{units, width};

pub const SMALLEST: f64 = 0.6; // of the size that a text has if there is room
const SIZES: [f64; 3] = [1.0, 0.8, SMALLEST];
const LINE_HEIGHT: f64 = 1.25; // of a font's size
const MOST_LINES: usize = 3; // of an axis label
const BREAKABLE: &str = "/\\-_.,:;=+@&|";

/// What a user is told about a figure.
pub type Notes = Vec<String>;

pub struct Label {
    pub lines: Vec<String>,
    pub points: f64,
}

impl Label {
    pub fn line_height(&self) -> i32 {
        line_height(self.points)
    }

    /// Of the lines after the first one.
    pub fn further_height(&self) -> i32 {
        (self.lines.len().max(1) as i32 - 1) * self.line_height()
    }
}

pub fn line_height(points: f64) -> i32 {
    units(points * LINE_HEIGHT)
}

/// Pieces of a word, at most `limit` wide, broken behind a separator if there is one near the end.
fn broken(word: &str, points: f64, limit: i32) -> Result<Vec<String>, String> {
    let mut out = Vec::new();
    let parts = atoms(word);
    let mut begin = 0;
    while begin < parts.len() {
        let mut end = begin + 1;
        while end < parts.len() && width(&parts[begin..=end].concat(), points)? <= limit {
            end += 1;
        }
        if end < parts.len() {
            let nearest = begin + (end - begin) / 2;
            let separator = (nearest..end).rev().find(|&i| BREAKABLE.contains(parts[i]));
            end = separator.map_or(end, |i| i + 1);
        }
        out.push(parts[begin..end].concat());
        begin = end;
    }
    Ok(out)
}

/// Lines of at most `limit` units, broken at spaces, and within a word that is wider than a line.
fn wrap(text: &str, points: f64, limit: i32) -> Result<Vec<String>, String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        if let Some(last) = lines.last_mut() {
            let longer = format!("{last} {word}");
            if width(&longer, points)? <= limit {
                *last = longer;
                continue;
            }
        }
        if width(word, points)? <= limit {
            lines.push(word.to_string());
        } else {
            lines.extend(broken(word, points, limit)?);
        }
    }
    Ok(lines)
}

/// As much of the line as fits with an ellipsis behind it.
fn with_ellipsis(line: &str, points: f64, limit: i32) -> Result<String, String> {
    let mut parts = atoms(line);
    while !parts.is_empty() && width(&(parts.concat() + "…"), points)? > limit {
        parts.pop();
    }
    Ok(parts.concat() + "…")
}

/// In the largest size that makes at most `most(size)` lines; what is more is cut, with a note.
fn lines_of(
    text: &str,
    points: f64,
    limit: i32,
    most: impl Fn(f64) -> usize,
    (name, notes): (&str, &mut Notes),
) -> Result<Label, String> {
    let mut label = Label {
        lines: Vec::new(),
        points,
    };
    for size in SIZES {
        label.points = points * size;
        label.lines = wrap(text, label.points, limit)?;
        if label.lines.len() <= most(label.points) {
            return Ok(label);
        }
    }
    label.lines.truncate(most(label.points));
    if let Some(last) = label.lines.last_mut() {
        *last = with_ellipsis(last, label.points, limit)?;
    }
    notes.push(format!("the {name} is too long: its end is not drawn"));
    Ok(label)
}

/// The title: lines of at most `limit` units, in at most `height` units, or one line.
pub fn title(
    text: &str,
    points: f64,
    limit: i32,
    height: i32,
    notes: &mut Notes,
) -> Result<Label, String> {
    let most = |size: f64| (height / line_height(size)).max(1) as usize;
    lines_of(text, points, limit, most, ("title", notes))
}

/// The text below the axes: a few lines of at most `limit` units; None: there is none.
pub fn caption(
    text: &str,
    points: f64,
    limit: i32,
    notes: &mut Notes,
) -> Result<Option<Label>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    lines_of(text, points, limit, |_| MOST_LINES, ("caption", notes)).map(Some)
}

/// The label of an axis of `room` units: one line, smaller if need be, or else a few.
pub fn axis_label(
    text: &str,
    points: f64,
    room: i32,
    named: (&str, &mut Notes),
) -> Result<Label, String> {
    if width(text, points * SMALLEST)? <= room {
        return Ok(Label {
            lines: vec![text.to_string()],
            points: fitting_points(text, points, room)?,
        });
    }
    lines_of(text, points, room, |_| MOST_LINES, named)
}

/// The font size at which a label fits, unless it is too small to read.
pub fn fitting_points(text: &str, points: f64, room: i32) -> Result<f64, String> {
    let part = f64::from(room) / f64::from(width(text, points)?.max(1));
    Ok(points * part.clamp(SMALLEST, 1.0))
}

/// One line, smaller if need be, or else cut with a note.
pub fn one_line(
    text: &str,
    points: f64,
    room: i32,
    (name, notes): (&str, &mut Notes),
) -> Result<Label, String> {
    let points = fitting_points(text, points, room)?;
    let mut line = text.to_string();
    if width(text, points)? > room {
        line = with_ellipsis(text, points, room)?;
        notes.push(format!("the {name} is too long: its end is not drawn"));
    }
    Ok(Label {
        lines: vec![line],
        points,
    })
}
