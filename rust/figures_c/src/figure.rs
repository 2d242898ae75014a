//! The figure as src/report/figure_drawing.h describes it; lengths on paper in points.

use serde::Deserialize;

pub type Rgb = [u8; 3];

#[derive(Deserialize)]
pub struct Figure {
    pub width_in: f64,
    pub height_in: f64,
    pub title: String,
    pub x: Axis,
    pub y: Axis,
    #[serde(default)]
    pub cells: Vec<Cell>,
    #[serde(default)]
    pub bars: Vec<Bar>,
    #[serde(default)]
    pub lines: Vec<Line>,
    #[serde(default)]
    pub legend: Vec<LegendEntry>,
    pub color_bar: Option<ColorBar>,
    pub strip: Option<Strip>,
    /// Below the axes; empty: none.
    #[serde(default)]
    pub caption: String,
}

#[derive(Deserialize)]
pub struct Axis {
    pub label: String,
    pub low: f64,
    pub high: f64,
    pub grid: bool,
    /// None: round numbers.
    pub ticks: Option<Vec<Tick>>,
}

#[derive(Clone, Deserialize)]
pub struct Tick {
    pub at: f64,
    pub label: String,
    /// If ticks would touch, only those are kept whose index is a multiple of 2, 4, 5, 8, 10, ...
    pub number: i64,
}

/// A square of side 1 with its centre at (column, row).
#[derive(Deserialize)]
pub struct Cell {
    pub column: u32,
    pub row: u32,
    pub color: Rgb,
    #[serde(default)]
    pub hatched: bool,
}

/// From 0 to `value`.
#[derive(Deserialize)]
pub struct Bar {
    pub center: f64,
    pub width: f64,
    pub value: f64,
    pub color: Rgb,
}

#[derive(Deserialize)]
pub struct Line {
    pub points: Vec<(f64, f64)>,
    pub color: Rgb,
    pub opacity: f64,
    pub width_pt: f64,
    /// Which of the dash patterns of draw.rs; 0: solid.
    #[serde(default)]
    pub dash: usize,
    /// The area that the points enclose, instead of a line.
    #[serde(default)]
    pub filled: bool,
}

#[derive(Deserialize)]
pub struct LegendEntry {
    pub label: String,
    pub color: Rgb,
    pub width_pt: f64,
    #[serde(default)]
    pub dash: usize,
    /// The line lies in a band of its colour.
    #[serde(default)]
    pub band: bool,
}

/// Bars in axes of their own, below the others, over the same horizontal axis.
#[derive(Deserialize)]
pub struct Strip {
    pub label: String,
    pub high: f64,
    /// A dashed line at this height.
    pub level: Option<f64>,
    pub bars: Vec<StripBar>,
}

#[derive(Deserialize)]
pub struct StripBar {
    pub from: f64,
    pub to: f64,
    pub value: f64,
    /// An outline.
    pub hollow: bool,
}

#[derive(Deserialize)]
pub struct ColorBar {
    pub label: String,
    pub low: f64,
    pub high: f64,
    /// From low to high, in equal steps.
    pub colors: Vec<Rgb>,
    pub ticks: Option<Vec<Tick>>,
}
