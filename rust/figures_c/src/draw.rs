//! Turns the description of a figure into SVG: the layout, then the drawing, both by plotters.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::figure::{Axis, ColorBar, Figure, Rgb, Tick};
use crate::label::{axis_label, caption, fitting_points, line_height, title, Label, Notes};
use crate::legend::draw_legend;
use crate::path::{draw_hatching, draw_path};
use crate::refine::refine;
use crate::scale::Scale;
use crate::strip::{draw_strip, STRIP_GAP_PT, STRIP_PT};
use crate::text::{font, register, sideways, units, width, UNITS_PER_INCH};
use crate::ticks::{thin, ticks_or_round};

pub type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub type Chart<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<Scale, Scale>>;

const TITLE_PT: f64 = 12.0;
pub const LABEL_PT: f64 = 10.0;
const HIGHEST_TITLE: f64 = 0.3; // of the figure's height
const CAPTION_PT: f64 = 8.0;
const CAPTION_GAP_PT: f64 = 6.0;
pub const TICK_PT: f64 = 3.5;
pub const MARGIN_PT: f64 = 8.0;
const COLOR_BAR_WIDTH_PT: f64 = 16.0;
const COLOR_BAR_GAP_PT: f64 = 14.0;
pub const FRAME_PT: f64 = 0.8;
const OVERLAP: f64 = 5.0; // units: neighbours in a heatmap overlap, so that no seams are visible

pub fn rgb(color: Rgb) -> RGBColor {
    RGBColor(color[0], color[1], color[2])
}

pub fn stroke(color: impl Color, width_pt: f64) -> ShapeStyle {
    color.stroke_width(units(width_pt).max(1) as u32)
}

pub fn text_of<E: std::fmt::Display>(error: E) -> String {
    error.to_string()
}

/// Widths of the four borders around the axes, in units.
pub struct Borders {
    top: i32,
    pub left: i32,
    pub bottom: i32,
    pub right: i32,
}

/// Everything that is decided before drawing starts.
pub struct Layout {
    pub size: (i32, i32),
    title: Label,
    pub x_label: Label,
    y_label: Label,
    color_bar_label: Option<Label>,
    pub strip_label: Option<Label>,
    caption: Option<Label>,
    pub borders: Borders,
    pub x_ticks: Vec<Tick>,
    y_ticks: Vec<Tick>,
    color_bar_ticks: Vec<Tick>,
}

impl Layout {
    /// Below the label of the horizontal axis.
    pub fn below(&self) -> i32 {
        units(MARGIN_PT) + self.caption.as_ref().map_or(0, caption_height)
    }
}

fn caption_height(caption: &Label) -> i32 {
    caption.lines.len() as i32 * caption.line_height() + units(CAPTION_GAP_PT)
}

/// Of a strip with what separates it from the axes above.
fn strip_height(figure: &Figure) -> i32 {
    let height = units(STRIP_PT + STRIP_GAP_PT);
    figure.strip.as_ref().map_or(0, |_| height)
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
    let caption = caption(&figure.caption, CAPTION_PT, size.0 - 2 * margin, notes)?;
    let lower = caption.as_ref().map_or(0, caption_height) + strip_height(figure);
    let across = room(size.0, borders.left, borders.right)?;
    let x_label = axis_label(&figure.x.label, LABEL_PT, across, ("x-axis label", notes))?;
    borders.bottom += x_label.further_height();
    let up = room(size.1, borders.top, borders.bottom + lower)?;
    let y_label = axis_label(&figure.y.label, LABEL_PT, up, ("y-axis label", notes))?;
    borders.left += y_label.further_height();
    let mut strip_label = None;
    if let Some(strip) = &figure.strip {
        let room = units(STRIP_PT + 2.0 * STRIP_GAP_PT);
        let label = axis_label(&strip.label, LABEL_PT, room, ("strip's label", notes))?;
        borders.left += (label.further_height() - y_label.further_height()).max(0);
        strip_label = Some(label);
    }
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
        strip_label,
        caption,
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
pub fn draw_frame<'a>(
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
    if figure.strip.is_some() {
        mesh.disable_x_axis();
    }
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
    draw_hatching(chart, &figure.cells)?;
    let bars = figure.bars.iter().map(|bar| {
        let half = bar.width / 2.0;
        let corners = [(bar.center - half, bar.value), (bar.center + half, 0.0)];
        Rectangle::new(corners, rgb(bar.color).filled())
    });
    chart.draw_series(bars).map_err(text_of)?;
    for line in &figure.lines {
        draw_path(chart, line)?;
    }
    Ok(())
}

/// The label of the horizontal axis, if it has several lines: plotters draws a single one.
pub fn draw_x_label<'a>(chart: &Chart<'a>, root: &Area<'a>, layout: &Layout) -> Result<(), String> {
    let label = &layout.x_label;
    if label.lines.len() < 2 {
        return Ok(());
    }
    let (x, _) = chart.plotting_area().get_pixel_range();
    let style = font(label.points)
        .color(&BLACK)
        .pos(Pos::new(HPos::Center, VPos::Bottom));
    for (index, line) in label.lines.iter().rev().enumerate() {
        let bottom = layout.size.1 - layout.below() - index as i32 * label.line_height();
        root.draw_text(line, &style, ((x.start + x.end) / 2, bottom))
            .map_err(text_of)?;
    }
    Ok(())
}

/// The label of a vertical axis, written from bottom to top, with its top edge at `left`.
pub fn draw_upright<'a>(
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

fn draw_caption(root: &Area, layout: &Layout) -> Result<(), String> {
    let Some(caption) = &layout.caption else {
        return Ok(());
    };
    let style = font(caption.points)
        .color(&RGBColor(0x40, 0x40, 0x40))
        .pos(Pos::new(HPos::Left, VPos::Bottom));
    for (index, line) in caption.lines.iter().rev().enumerate() {
        let bottom = layout.size.1 - units(MARGIN_PT) - index as i32 * caption.line_height();
        root.draw_text(line, &style, (units(MARGIN_PT), bottom))
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
    let (x_labels, strip) = (layout.borders.bottom, strip_height(figure));
    let has_strip = figure.strip.is_some();
    let mut chart = ChartBuilder::on(root)
        .margin_top(layout.borders.top)
        .margin_left(units(MARGIN_PT))
        .margin_bottom(layout.below() + if has_strip { x_labels + strip } else { 0 })
        .margin_right(layout.borders.right)
        .x_label_area_size(if has_strip { 0 } else { x_labels })
        .y_label_area_size(layout.borders.left)
        .build_cartesian_2d(
            Scale::new(figure.x.low, figure.x.high, &layout.x_ticks),
            Scale::new(figure.y.low, figure.y.high, &layout.y_ticks),
        )
        .map_err(text_of)?;
    draw_mesh(&mut chart, figure, &layout.x_label)?;
    draw_data(&mut chart, figure)?;
    let (x, y) = chart.plotting_area().get_pixel_range();
    draw_frame(root, [(x.start, y.start), (x.end, y.start), (x.end, y.end)])?;
    if let Some(strip) = &figure.strip {
        draw_frame(root, [(x.start, y.end), (x.end, y.end)])?;
        draw_strip(root, &chart, figure, strip, &layout)?;
    } else {
        draw_x_label(&chart, root, &layout)?;
    }
    draw_caption(root, &layout)?;
    draw_upright(&chart, root, &layout.y_label, units(MARGIN_PT))?;
    draw_title(&chart, root, &layout.title)?;
    draw_legend(&chart, root, figure, notes)?;
    if let Some(bar) = &figure.color_bar {
        draw_color_bar(root, &chart, bar, &layout)?;
    }
    root.present().map_err(text_of)
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
