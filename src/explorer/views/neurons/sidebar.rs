//! The selectors at the left: the strip of layers, and the neurons.

use ratatui::layout::Rect;

use super::LayerStrip;
use crate::checkpoint::NeuronBlock;
use crate::explorer::number::{decimals, score};
use crate::explorer::screen::Canvas;
use crate::explorer::state::Target;
use crate::explorer::widget::{level, put, width, window};
use crate::query::{Address, ModelCard};
use crate::sheet::grouped;

/// From this height on, the bars are two rows high.
const TALL_MIN: u16 = 20;

/// Layers above, neurons below.
pub fn draw(canvas: &mut Canvas, area: Rect) {
    let state = canvas.state;
    let Some(card) = state.card() else {
        return;
    };
    let at = state.views.neurons;
    let marked = state.bookmark(Address::Layer { layer: at.layer }).is_some();
    let star = if marked { " ★" } else { "" };
    let [title, figure] = strip_title(
        &format!("{}{star}", at.layer),
        state.views.neurons.strip,
        area.width,
    );
    let panel = canvas.panel(&title, &figure, false);
    let inside = panel.draw(area, canvas.buffer);
    // Bars, numbers, marker.
    let strip_rows = if area.height < TALL_MIN { 3 } else { 4 };
    let strip_area = Rect {
        height: strip_rows.min(inside.height),
        ..inside
    };
    strip(canvas, strip_area, card.spec.layers, at.layer);
    let divider = inside.y + strip_rows;
    let (title, of) = counter(card, at.layer, at.neuron);
    let panel = canvas.panel(&title, &of, false);
    panel.divide(area, divider, &title, &of, canvas.buffer);
    let rows = Rect::new(
        inside.x,
        divider + 1,
        inside.width,
        inside.bottom().saturating_sub(divider + 1),
    );
    selector(canvas, rows, card.spec.neurons_in(at.layer));
}

/// Which neuron of how many; in a layer with experts of how many of its expert.
fn counter(card: &ModelCard, layer: usize, neuron: usize) -> (String, String) {
    let of = |count: usize| format!("of {}", grouped(count));
    let Some(sizes) = card.spec.experts(layer) else {
        return (format!("Neuron {neuron}"), of(card.spec.neurons_in(layer)));
    };
    let (block, own) = sizes.place(neuron);
    let expert = match block {
        NeuronBlock::Expert(expert) => format!("E{expert}"),
        NeuronBlock::Dense | NeuronBlock::Shared => "ES".to_owned(),
    };
    (format!("{expert}.N{own}"), of(sizes.size(block)))
}

/// A neuron's number in the selector, with its expert in a layer that has any.
fn label(card: &ModelCard, layer: usize, neuron: usize, neurons: usize) -> String {
    let digits = |count: usize| count.saturating_sub(1).to_string().len();
    let Some(sizes) = card.spec.experts(layer) else {
        let digits = digits(neurons);
        return format!("{neuron:>digits$}");
    };
    let (block, own) = sizes.place(neuron);
    let expert = match block {
        NeuronBlock::Expert(expert) => expert.to_string(),
        NeuronBlock::Dense | NeuronBlock::Shared => "S".to_owned(),
    };
    let (before, digits) = (digits(sizes.experts), digits(sizes.each.max(sizes.shared)));
    format!("E{expert:>before$} {own:>digits$}")
}

/// The number of the layer, and what the strip shows, as long as there is room for: the strip's name
/// is never left out.
fn strip_title(layer: &str, strip: LayerStrip, cells: u16) -> [String; 2] {
    let long = strip.title();
    let short = long.split(' ').next().unwrap_or_default().to_owned();
    let titles = [
        [format!("Layer {layer}"), long.clone()],
        [format!("L{layer}"), long],
        [format!("L{layer}"), short.clone()],
    ];
    // Two corners, a line at either side, and spaces around both.
    let fits = |[title, figure]: &[String; 2]| width(title) + width(figure) + 7 <= cells.into();
    let found = titles.into_iter().find(fits);
    found.unwrap_or([short, String::new()])
}

/// A bar a layer, numbers below, and the marker of the current one with its figure.
fn strip(canvas: &mut Canvas, area: Rect, layers: usize, current: usize) {
    let theme = canvas.theme;
    canvas.note(area, Target::Layers);
    let room = usize::from(area.width.saturating_sub(2));
    let step = if layers * 2 <= room { 2 } else { 1 };
    let bars = area.height.saturating_sub(2);
    let figures = canvas.state.strip_figures();
    let known = || figures.iter().copied().flatten();
    // Of a model in parts they will not be known: nothing there looks as if it were to come.
    let unknown = match canvas.state.is_in_parts() {
        true => " ",
        false => "·",
    };
    let largest = known().fold(0.0, f32::max);
    // Measures that may be negative begin at their lowest.
    let least = known().fold(0.0, f32::min);
    let shown = window(layers, current, room / step);
    for (i, layer) in shown.clone().enumerate() {
        let x = area.x + 1 + (i * step) as u16;
        let here = layer == current;
        let style = if here { theme.here } else { theme.quiet };
        let figure = figures.get(layer).copied().flatten();
        for row in 0..bars {
            let share = |figure: f32| (figure - least) / (largest - least);
            let bar = figure.map_or(unknown, |figure| level(share(figure), row, bars));
            put(canvas.buffer, x, area.y + bars - 1 - row, bar, 1, style);
        }
        let every = if layers > 10 { 5 } else { 1 };
        if layer.is_multiple_of(every) {
            let label = layer.to_string();
            let fits = area.right().saturating_sub(x).into();
            put(canvas.buffer, x, area.y + bars, &label, fits, style);
        }
        canvas.note(
            Rect::new(x, area.y, step as u16, area.height),
            Target::Place(Address::Layer { layer }),
        );
        if here {
            let figure = figure.map(|figure| score(figure, decimals(largest.max(-least))));
            marker(canvas, area, x, &figure.unwrap_or_default());
        }
    }
}

/// `▲` under the current layer, its figure beside it where there is room.
fn marker(canvas: &mut Canvas, area: Rect, x: u16, figure: &str) {
    let theme = canvas.theme;
    let y = area.bottom() - 1;
    put(canvas.buffer, x, y, "▲", 1, theme.here);
    let cells = width(figure) as u16;
    let right = x + 2 + cells <= area.right();
    let from = if right {
        x + 2
    } else {
        x.saturating_sub(cells + 1)
    };
    put(canvas.buffer, from, y, figure, cells.into(), theme.quiet);
}

/// The neurons around the current one, marked ones with their notes.
fn selector(canvas: &mut Canvas, area: Rect, neurons: usize) {
    let (state, theme) = (canvas.state, canvas.theme);
    canvas.regions.selector_rows = area.height.into();
    canvas.note(area, Target::Selector);
    let at = state.views.neurons;
    let Some(card) = state.card() else {
        return;
    };
    for (i, neuron) in window(neurons, at.neuron, area.height.into()).enumerate() {
        let y = area.y + i as u16;
        let here = neuron == at.neuron;
        let style = if here { theme.here } else { theme.quiet };
        let mark = if here { "▸" } else { " " };
        let text = format!("{mark} {}", label(card, at.layer, neuron, neurons));
        let used = put(
            canvas.buffer,
            area.x + 1,
            y,
            &text,
            area.width.into(),
            style,
        );
        let address = card.neuron(at.layer, neuron);
        let bookmark = state.bookmark(address);
        if let Some(bookmark) = bookmark {
            let x = area.x + 2 + used;
            put(canvas.buffer, x, y, "★", 1, theme.on);
            let room = area.right().saturating_sub(x + 2).into();
            let note = bookmark.note.as_deref().unwrap_or("");
            put(canvas.buffer, x + 2, y, note, room, theme.word);
        }
        canvas.note(Rect::new(area.x, y, area.width, 1), Target::Place(address));
    }
}
