//! Converts SVG to PNG and PDF, using only the built-in font.

use std::sync::{Arc, OnceLock};

use svg2pdf::usvg::fontdb::Database;
use svg2pdf::usvg::{Group, Node, Options, Rect, Tree};
use svg2pdf::{ConversionOptions, PageOptions};

use crate::label::Notes;
use crate::text::FONT;

const DOTS_PER_INCH: f64 = 200.0;
const METRES_PER_INCH: f64 = 0.0254;

fn parse(svg: &str) -> Result<Tree, String> {
    static FONTS: OnceLock<Arc<Database>> = OnceLock::new();
    let fonts = FONTS.get_or_init(|| {
        let mut database = Database::new();
        database.load_font_data(FONT.to_vec());
        Arc::new(database)
    });
    let options = Options {
        fontdb: fonts.clone(),
        ..Options::default()
    };
    Tree::from_str(svg, &options).map_err(|error| error.to_string())
}

fn add_texts(group: &Group, page: Rect, cut: &mut Vec<String>) {
    for node in group.children() {
        match node {
            Node::Group(group) => add_texts(group, page, cut),
            Node::Text(text) => {
                let place = text.abs_bounding_box();
                let inside = place.left() >= page.left()
                    && place.top() >= page.top()
                    && place.right() <= page.right()
                    && place.bottom() <= page.bottom();
                if !inside {
                    cut.push(text.chunks().iter().map(|chunk| chunk.text()).collect());
                }
            }
            _ => {}
        }
    }
}

/// A note about each text that the edge of the figure cuts, as the renderer measures it.
pub fn note_cut(svg: &str, notes: &mut Notes) -> Result<(), String> {
    // Without a size in inches the page is measured in the texts' own units.
    let head = svg.lines().next().unwrap_or_default();
    let view = head.find("viewBox").map_or("", |at| &head[at..]);
    let texts = svg.lines().filter(|line| line.starts_with("<text "));
    let texts: Vec<&str> = texts.collect();
    let tree = parse(&format!("<svg {view}\n{}\n</svg>", texts.join("\n")))?;
    let page = Rect::from_xywh(0.0, 0.0, tree.size().width(), tree.size().height())
        .ok_or("the figure has no size")?;
    let mut cut = Vec::new();
    add_texts(tree.root(), page, &mut cut);
    for text in cut {
        notes.push(format!("the edge of the figure cuts the text \"{text}\""));
    }
    Ok(())
}

pub fn png(svg: &str, width_in: f64, height_in: f64) -> Result<Vec<u8>, String> {
    let tree = parse(svg)?;
    let width = (width_in * DOTS_PER_INCH).round() as u32;
    let height = (height_in * DOTS_PER_INCH).round() as u32;
    let mut pixels = resvg::tiny_skia::Pixmap::new(width, height)
        .ok_or_else(|| format!("{width} x {height} pixels cannot be drawn"))?;
    let scale = resvg::tiny_skia::Transform::from_scale(
        width as f32 / tree.size().width(),
        height as f32 / tree.size().height(),
    );
    resvg::render(&tree, scale, &mut pixels.as_mut());
    let opaque: Vec<u8> = pixels
        .pixels()
        .iter()
        .flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue()])
        .collect();
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Best);
    encoder.set_adaptive_filter(png::AdaptiveFilterType::Adaptive);
    let per_metre = (DOTS_PER_INCH / METRES_PER_INCH).round() as u32;
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: per_metre,
        yppu: per_metre,
        unit: png::Unit::Meter,
    }));
    let mut writer = encoder.write_header().map_err(|error| error.to_string())?;
    writer
        .write_image_data(&opaque)
        .map_err(|error| error.to_string())?;
    writer.finish().map_err(|error| error.to_string())?;
    Ok(out)
}

/// Sorts the entries of resource dictionaries: svg2pdf writes them in an order that changes from
/// run to run.
fn sort_resources(pdf: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(pdf.len());
    let mut lines = pdf.split_inclusive(|&byte| byte == b'\n');
    while let Some(line) = lines.next() {
        out.extend_from_slice(line);
        if !matches!(
            line.trim_ascii(),
            b"/XObject <<"
                | b"/Pattern <<"
                | b"/ExtGState <<"
                | b"/Shading <<"
                | b"/Font <<"
                | b"/ColorSpace <<"
        ) {
            continue;
        }
        let mut entries: Vec<&[u8]> = Vec::new();
        let end = loop {
            match lines.next() {
                Some(entry) if entry.trim_ascii() != b">>" => entries.push(entry),
                end => break end.unwrap_or_default(),
            }
        };
        entries.sort();
        out.extend(entries.into_iter().flatten());
        out.extend_from_slice(end);
    }
    out
}

pub fn pdf(svg: &str) -> Result<Vec<u8>, String> {
    let page = PageOptions { dpi: 96.0 }; // usvg's pixels per inch
    svg2pdf::to_pdf(&parse(svg)?, ConversionOptions::default(), page)
        .map(|pdf| sort_resources(&pdf))
        .map_err(|error| error.to_string())
}
