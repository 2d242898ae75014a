//! Turns the description of a figure into SVG: the layout, then the drawing, both by plotters.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::figure::{Axis, ColorBar, Figure, Rgb, Tick};
use crate::label::{axis_label, fitting_points, line_height, title, Label, Notes};
use crate::legend::draw_legend;
use crate::markup;
use crate::scale::Scale;
use crate::text::{font, register, sideways, units, width, UNITS_PER_INCH};
use crate::ticks::{thin, ticks_or_round};

pub type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub type Chart<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<Scale, Scale>>;

const TITLE_PT: f64 = 12.0;
pub const LABEL_PT: f64 = 10.0;
const HIGHEST_TITLE: f64 = 0.3; // of the figure's height
const TICK_PT: f64 = 3.5;
const MARGIN_PT: f64 = 8.0;
const COLOR_BAR_WIDTH_PT: f64 = 16.0;
const COLOR_BAR_GAP_PT: f64 = 14.0;
const FRAME_PT: f64 = 0.8;
const OVERLAP: f64 = 5.0; // units: neighbours in a heatmap overlap, so that no seams are visible

pub fn rgb(color: Rgb) -> RGBColor {
    RGBColor(color[0], color[1], color[2])
}

pub fn stroke(color: impl Color, width_pt: f64) -> ShapeStyle {
    color.stroke_width(units(width_pt).max(1) as u32)
}

fn text_of<E: std::fmt::Display>(error: E) -> String {
    error.to_string()
}

/// Widths of the four borders around the axes, in units.
struct Borders {
    top: i32,
    left: i32,
    bottom: i32,
    right: i32,
}

/// Everything that is decided before drawing starts.
struct Layout {
    size: (i32, i32),
    title: Label,
    x_label: Label,
    y_label: Label,
    color_bar_label: Option<Label>,
    borders: Borders,
    x_ticks: Vec<Tick>,
    y_ticks: Vec<Tick>,
    color_bar_ticks: Vec<Tick>,
}

fn widest(ticks: &[Tick]) -> Result<i32, String> {
    let mut widest = 0;
    for tick in ticks {
        widest = widest.max(width(&tick.label, LABEL_PT)?);
    }
    Ok(widest)
}

/// The room between two borders and the margins.
fn room(size: i32, before: i32, after: i32) -> Result<i32, String> {
    let room = size - before - after - units(MARGIN_PT);
    if room < units(72.0) {
        return Err("the labels leave no room for the figure".to_string());
    }
    Ok(room)
}

/// How far labels on an axis that begins at `start` reach beyond 0 and beyond `end`, in units.
fn overhang(
    ticks: &[Tick],
    axis: &Axis,
    (start, length): (i32, i32),
    end: i32,
) -> Result<(i32, i32), String> {
    let (mut before, mut after) = (0, 0);
    for tick in ticks {
        let part = (tick.at - axis.low) / (axis.high - axis.low);
        let center = start + (part * f64::from(length)).round() as i32;
        let half = width(&tick.label, LABEL_PT)? / 2;
        before = before.max(half - center);
        after = after.max(center + half - end);
    }
    Ok((before, after))
}

fn layout(figure: &mut Figure, notes: &mut Notes) -> Result<Layout, String> {
    let size = (
        (figure.width_in * UNITS_PER_INCH).round() as i32,
        (figure.height_in * UNITS_PER_INCH).round() as i32,
    );
    let margin = units(MARGIN_PT);
    let ticks_and_gap = units(2.0 * TICK_PT);
    let highest = (f64::from(size.1) * HIGHEST_TITLE) as i32;
    let title = title(&figure.title, TITLE_PT, size.0 - 8 * margin, highest, notes)?;
    let y_ticks = ticks_or_round(figure.y.ticks.take(), figure.y.low, figure.y.high, 9);
    let mut borders = Borders {
        top: margin + title.lines.len() as i32 * title.line_height() + units(4.0),
        left: ticks_and_gap + widest(&y_ticks)? + line_height(LABEL_PT) + margin,
        bottom: ticks_and_gap + 2 * line_height(LABEL_PT) + units(4.0),
        right: margin + units(6.0),
    };
    let mut color_bar_ticks = Vec::new();
    let mut bar_range = 0.0..1.0;
    if let Some(bar) = &mut figure.color_bar {
        color_bar_ticks = ticks_or_round(bar.ticks.take(), bar.low, bar.high, 9);
        bar_range = bar.low..bar.high;
        borders.right = units(COLOR_BAR_GAP_PT + COLOR_BAR_WIDTH_PT)
            + ticks_and_gap
            + widest(&color_bar_ticks)?
            + line_height(LABEL_PT)
            + units(5.0)
            + margin;
    }
    let across = room(size.0, borders.left, borders.right)?;
    let x_label = axis_label(&figure.x.label, LABEL_PT, across, ("x-axis label", notes))?;
    borders.bottom += x_label.further_height();
    let up = room(size.1, borders.top, borders.bottom)?;
    let y_label = axis_label(&figure.y.label, LABEL_PT, up, ("y-axis label", notes))?;
    borders.left += y_label.further_height();
    let mut color_bar_label = None;
    if let Some(bar) = &figure.color_bar {
        let label = axis_label(&bar.label, LABEL_PT, up, ("colour bar's label", notes))?;
        borders.right += label.further_height();
        color_bar_label = Some(label);
    }
    let x_range = figure.x.low..figure.x.high;
    let x_ticks = ticks_or_round(figure.x.ticks.take(), figure.x.low, figure.x.high, 11);
    let x_ticks = |across| {
        let extent = |text: &str| width(text, LABEL_PT);
        thin(x_ticks.clone(), x_range.clone(), across, units(6.0), extent)
    };
    let across = room(size.0, borders.left, borders.right)?;
    let place = (margin + borders.left, across);
    let (before, after) = overhang(&x_ticks(across)?, &figure.x, place, size.0)?;
    borders.left += before;
    borders.right += after;
    let across = room(size.0, borders.left, borders.right)?;
    let upright = |_: &str| Ok(units(LABEL_PT));
    Ok(Layout {
        size,
        title,
        x_label,
        y_label,
        color_bar_label,
        x_ticks: x_ticks(across)?,
        y_ticks: thin(
            y_ticks,
            figure.y.low..figure.y.high,
            up,
            units(3.0),
            upright,
        )?,
        color_bar_ticks: thin(color_bar_ticks, bar_range, up, units(3.0), upright)?,
        borders,
    })
}

/// A part of the box around the axes; plotters draws the sides that have ticks.
fn draw_frame<'a>(
    root: &Area<'a>,
    corners: impl IntoIterator<Item = (i32, i32)>,
) -> Result<(), String> {
    let corners: Vec<(i32, i32)> = corners.into_iter().collect();
    root.draw(&PathElement::new(corners, stroke(BLACK, FRAME_PT)))
        .map_err(text_of)
}

fn draw_mesh(chart: &mut Chart, figure: &Figure, label: &Label) -> Result<(), String> {
    let (x, _) = chart.plotting_area().get_pixel_range();
    let label_pt = fitting_points(&figure.x.label, LABEL_PT, x.end - x.start)?;
    let mut mesh = chart.configure_mesh();
    mesh.axis_style(stroke(BLACK, FRAME_PT))
        .bold_line_style(stroke(RGBColor(0xE4, 0xE4, 0xE4), 0.6))
        .light_line_style(TRANSPARENT)
        .label_style(font(LABEL_PT))
        .axis_desc_style(font(label_pt))
        .x_desc(if label.lines.len() == 1 {
            &label.lines[0]
        } else {
            ""
        })
        .set_all_tick_mark_size(units(TICK_PT));
    if !figure.x.grid {
        mesh.disable_x_mesh();
    }
    if !figure.y.grid {
        mesh.disable_y_mesh();
    }
    mesh.draw().map_err(text_of)
}

/// Lengths in units, expressed in the numbers of an axis.
fn span(axis: &Axis, pixels: std::ops::Range<i32>) -> f64 {
    (axis.high - axis.low) / f64::from((pixels.end - pixels.start).max(1))
}

fn draw_data(chart: &mut Chart, figure: &Figure) -> Result<(), String> {
    let (x, y) = chart.plotting_area().get_pixel_range();
    let (right, up) = (OVERLAP * span(&figure.x, x), OVERLAP * span(&figure.y, y));
    let cells = figure.cells.iter().map(|cell| {
        let (column, row) = (f64::from(cell.column), f64::from(cell.row));
        // The first ones keep clear of the axes.
        let left = if cell.column == 0 { right } else { 0.0 };
        let down = if cell.row == 0 { up } else { 0.0 };
        let corners = [
            (column - 0.5 + left, row + 0.5 + up),
            (column + 0.5 + right, row - 0.5 + down),
        ];
        Rectangle::new(corners, rgb(cell.color).filled())
    });
    chart.draw_series(cells).map_err(text_of)?;
    let bars = figure.bars.iter().map(|bar| {
        let half = bar.width / 2.0;
        let corners = [(bar.center - half, bar.value), (bar.center + half, 0.0)];
        Rectangle::new(corners, rgb(bar.color).filled())
    });
    chart.draw_series(bars).map_err(text_of)?;
    for line in &figure.lines {
        let style = stroke(rgb(line.color).mix(line.opacity), line.width_pt);
        let element = PathElement::new(line.points.clone(), style);
        chart
            .draw_series(std::iter::once(element))
            .map_err(text_of)?;
    }
    Ok(())
}

/// The label of the horizontal axis, if it has several lines: plotters draws a single one.
fn draw_x_label<'a>(chart: &Chart<'a>, root: &Area<'a>, layout: &Layout) -> Result<(), String> {
    let label = &layout.x_label;
    if label.lines.len() < 2 {
        return Ok(());
    }
    let (x, _) = chart.plotting_area().get_pixel_range();
    let style = font(label.points)
        .color(&BLACK)
        .pos(Pos::new(HPos::Center, VPos::Bottom));
    for (index, line) in label.lines.iter().rev().enumerate() {
        let bottom = layout.size.1 - units(MARGIN_PT) - index as i32 * label.line_height();
        root.draw_text(line, &style, ((x.start + x.end) / 2, bottom))
            .map_err(text_of)?;
    }
    Ok(())
}

/// The label of a vertical axis, written from bottom to top, with its top edge at `left`.
fn draw_upright<'a>(
    chart: &Chart<'a>,
    root: &Area<'a>,
    label: &Label,
    left: i32,
) -> Result<(), String> {
    let (_, y) = chart.plotting_area().get_pixel_range();
    let points = match label.lines.as_slice() {
        [line] => fitting_points(line, LABEL_PT, y.end - y.start)?,
        _ => label.points,
    };
    let style = sideways(points)
        .color(&BLACK)
        .pos(Pos::new(HPos::Center, VPos::Top));
    for (index, line) in label.lines.iter().enumerate() {
        let left = left + index as i32 * label.line_height();
        root.draw_text(line, &style, (left, (y.start + y.end) / 2))
            .map_err(text_of)?;
    }
    Ok(())
}

fn draw_title<'a>(chart: &Chart<'a>, root: &Area<'a>, title: &Label) -> Result<(), String> {
    let (x, y) = chart.plotting_area().get_pixel_range();
    let style = font(title.points)
        .color(&BLACK)
        .pos(Pos::new(HPos::Center, VPos::Bottom));
    // Above the axes, but never beyond the edge of the figure.
    let size = root.dim_in_pixel().0 as i32;
    let mut half = 0;
    for line in &title.lines {
        half = half.max(width(line, title.points)? / 2);
    }
    let center = ((x.start + x.end) / 2).min(size - half).max(half);
    for (index, line) in title.lines.iter().rev().enumerate() {
        let bottom = y.start - units(6.0) - index as i32 * title.line_height();
        root.draw_text(line, &style, (center, bottom))
            .map_err(text_of)?;
    }
    Ok(())
}

fn draw_color_bar<'a>(
    root: &Area<'a>,
    axes: &Chart<'a>,
    bar: &ColorBar,
    layout: &Layout,
) -> Result<(), String> {
    let (x, y) = axes.plotting_area().get_pixel_range();
    let left = x.end + units(COLOR_BAR_GAP_PT);
    let right = left + units(COLOR_BAR_WIDTH_PT);
    let mut chart = ChartBuilder::on(root)
        .margin_top(y.start)
        .margin_bottom(layout.size.1 - y.end)
        .margin_left(left)
        .margin_right(0)
        .right_y_label_area_size(layout.size.0 - right)
        .build_cartesian_2d(
            Scale::new(0.0, 1.0, &[]),
            Scale::new(bar.low, bar.high, &layout.color_bar_ticks),
        )
        .map_err(text_of)?;
    let step = (bar.high - bar.low) / bar.colors.len() as f64;
    let overlap = OVERLAP * (bar.high - bar.low) / f64::from((y.end - y.start).max(1));
    let steps = bar.colors.iter().enumerate().map(|(index, &color)| {
        let low = bar.low + index as f64 * step;
        let high = (low + step + overlap).min(bar.high);
        Rectangle::new([(0.0, high), (1.0, low)], rgb(color).filled())
    });
    chart.draw_series(steps).map_err(text_of)?;
    chart
        .configure_mesh()
        .disable_mesh()
        .disable_x_axis()
        .axis_style(stroke(BLACK, FRAME_PT))
        .label_style(font(LABEL_PT))
        .set_all_tick_mark_size(units(TICK_PT))
        .draw()
        .map_err(text_of)?;
    if let Some(label) = &layout.color_bar_label {
        let width = units(LABEL_PT) + label.further_height();
        draw_upright(
            &chart,
            root,
            label,
            layout.size.0 - units(MARGIN_PT) - width,
        )?;
    }
    draw_frame(
        root,
        [
            (right, y.start),
            (left, y.start),
            (left, y.end),
            (right, y.end),
        ],
    )
}

fn draw_all(root: &Area, figure: &mut Figure, notes: &mut Notes) -> Result<(), String> {
    let layout = layout(figure, notes)?;
    root.fill(&WHITE).map_err(text_of)?;
    let mut chart = ChartBuilder::on(root)
        .margin_top(layout.borders.top)
        .margin_left(units(MARGIN_PT))
        .margin_bottom(units(MARGIN_PT))
        .margin_right(layout.borders.right)
        .x_label_area_size(layout.borders.bottom)
        .y_label_area_size(layout.borders.left)
        .build_cartesian_2d(
            Scale::new(figure.x.low, figure.x.high, &layout.x_ticks),
            Scale::new(figure.y.low, figure.y.high, &layout.y_ticks),
        )
        .map_err(text_of)?;
    draw_mesh(&mut chart, figure, &layout.x_label)?;
    draw_x_label(&chart, root, &layout)?;
    draw_data(&mut chart, figure)?;
    let (x, y) = chart.plotting_area().get_pixel_range();
    draw_frame(root, [(x.start, y.start), (x.end, y.start), (x.end, y.end)])?;
    draw_upright(&chart, root, &layout.y_label, units(MARGIN_PT))?;
    draw_title(&chart, root, &layout.title)?;
    draw_legend(&chart, root, figure, notes)?;
    if let Some(bar) = &figure.color_bar {
        draw_color_bar(root, &chart, bar, &layout)?;
    }
    root.present().map_err(text_of)
}

/// Adds what plotters' SVG lacks: a size in inches, strokes whose opacity does not need a group,
/// round joints, rectangles with sharp edges, texts without line ends, parts of texts.
fn refine(svg: &str, width_in: f64, height_in: f64, size: (u32, u32)) -> Result<String, String> {
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

fn refine_tag(line: &str) -> String {
    line.replace(
        "<polyline fill=\"none\" opacity=",
        "<polyline fill=\"none\" stroke-linejoin=\"round\" stroke-opacity=",
    )
    .replace("<line opacity=", "<line stroke-opacity=")
    .replace("<rect ", "<rect shape-rendering=\"crispEdges\" ")
    .replace(" opacity=\"1\"", "")
    .replace(" stroke-opacity=\"1\"", "")
    .replace(" stroke=\"none\"", "")
}

pub fn svg(mut figure: Figure, notes: &mut Notes) -> Result<String, String> {
    register()?;
    let size = (
        (figure.width_in * UNITS_PER_INCH).round() as u32,
        (figure.height_in * UNITS_PER_INCH).round() as u32,
    );
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, size).into_drawing_area();
        draw_all(&root, &mut figure, notes)?;
    }
    refine(&text, figure.width_in, figure.height_in, size)
}
