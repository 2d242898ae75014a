//! Adds what the SVG of plotters lacks.

use crate::markup;
use crate::path::{pattern, DASH_STEP};
use crate::text::units;

/// Adds what plotters' SVG lacks: a size in inches, strokes whose opacity does not need a group,
/// round joints, rectangles with sharp edges, texts without line ends, parts of texts.
pub fn refine(
    svg: &str,
    width_in: f64,
    height_in: f64,
    size: (u32, u32),
) -> Result<String, String> {
    let (width, height) = size;
    let head = format!("<svg width=\"{width}\" height=\"{height}\" ");
    let rest = svg
        .strip_prefix(&head)
        .ok_or("plotters wrote another beginning of SVG than expected")?;
    let mut out = format!("<svg width=\"{width_in}in\" height=\"{height_in}in\" ");
    let mut lines = rest.lines();
    while let Some(line) = lines.next() {
        out.push_str(&refine_tag(line));
        if line.starts_with("<text ") {
            // plotters has escaped the text, so nothing in it looks like an attribute.
            let (text, end) = (lines.next(), lines.next());
            let tag = out.rfind('\n').map_or(0, |at| at + 1);
            let element = refine_text(&out[tag..], text.unwrap_or_default())?;
            out.truncate(tag);
            out.push_str(&element);
            out.push_str(end.unwrap_or_default());
        }
        out.push('\n');
    }
    Ok(out)
}

/// A text without its end. A text with parts, or from right to left, has an absolute place:
/// renderers move a part's first character in memory, which is not always the first one on the
/// line, and mix up the accents of parts.
fn refine_text(tag: &str, text: &str) -> Result<String, String> {
    if !markup::is_marked(text) && !text.contains(is_leftward) {
        return Ok(format!("{tag}{text}"));
    }
    let part = |name: &str| {
        let value = tag.split(&format!(" {name}=\"")).nth(1).unwrap_or_default();
        value.split('"').next().unwrap_or_default()
    };
    let number = |text: &str| text.parse().unwrap_or(0.0);
    let (y, shift, font_size) = (part("y"), part("dy"), number(part("font-size")));
    let em = match (shift.strip_suffix("em"), shift.strip_suffix("ex")) {
        (Some(value), _) => number(value),
        (_, Some(value)) => number(value) / 2.0,
        _ => 0.0,
    };
    let bottom = number(y) + em * font_size;
    let placed = tag.replace(
        &format!(" y=\"{y}\" dy=\"{shift}\""),
        &format!(" y=\"{bottom:.0}\""),
    );
    if !markup::is_marked(text) {
        return Ok(format!("{placed}{text}"));
    }
    let anchor = part("text-anchor");
    let before = match anchor {
        "middle" => 0.5,
        "end" => 1.0,
        _ => 0.0,
    };
    let placed = placed.replace(
        &format!("text-anchor=\"{anchor}\""),
        "text-anchor=\"start\"",
    );
    let parts = markup::spans(text, (number(part("x")), bottom), before, font_size)?;
    Ok(placed + &parts)
}

/// Of a script that is written from right to left.
fn is_leftward(character: char) -> bool {
    matches!(character, '\u{590}'..='\u{8FF}' | '\u{FB1D}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FDFF}'
        | '\u{FE70}'..='\u{FEFC}' | '\u{10800}'..='\u{10FFF}' | '\u{1E800}'..='\u{1EFFF}')
}

/// The stroke width that names a dash pattern, which plotters has no place for.
fn dashed(line: &str) -> String {
    const START: &str = " stroke-width=\"";
    let Some((before, rest)) = line.split_once(START) else {
        return line.to_string();
    };
    let (number, after) = rest.split_once('"').unwrap_or((rest, ""));
    let number: u32 = number.parse().unwrap_or(0);
    let Some(pattern) = pattern(number) else {
        return line.to_string();
    };
    let width = number % DASH_STEP;
    let lengths: Vec<String> = pattern
        .iter()
        .map(|&points| units(points).to_string())
        .collect();
    let lengths = lengths.join(" ");
    format!("{before}{START}{width}\" stroke-dasharray=\"{lengths}\"{after}")
}

fn refine_tag(line: &str) -> String {
    dashed(line)
        .replace(
            "<polyline fill=\"none\" opacity=",
            "<polyline fill=\"none\" stroke-linejoin=\"round\" stroke-opacity=",
        )
        .replace("<line opacity=", "<line stroke-opacity=")
        .replace("<rect ", "<rect shape-rendering=\"crispEdges\" ")
        .replace(" opacity=\"1\"", "")
        .replace(" stroke-opacity=\"1\"", "")
        .replace(" stroke=\"none\"", "")
}
