//! What a lens changes, layer by layer, as a sheet.

use super::{LayerLensEffect, LensEffect, LensEffectPlan, WithAndWithout, named_in};
use crate::query::ModelCard;
use crate::sheet::{
    Block, Column, CommandLine, NumberForm, Provenance, Record, Section, Sheet, Value, filter_line,
    filter_record,
};

/// The effect of a model's lens.
pub fn lens_effect_sheet(card: &ModelCard, plan: &LensEffectPlan, effect: &LensEffect) -> Sheet {
    let settings = vec![
        ("neurons", plan.neurons.to_string()),
        ("filters", filter_line(&plan.filters)),
    ];
    let command = lens_effect_command(&card.name, plan);
    let provenance = Provenance::of_list(&card.name, None, settings, Some(command));
    let document = Record::new()
        .with("model", &*card.name)
        .with("neurons_of_a_layer", plan.neurons)
        .with("filters", filter_record(&plan.filters))
        .with_provenance(&provenance)
        .with("best", LensEffect::BEST)
        .with("without", effect.without.name())
        .with("layers", Value::Rows(0));
    let sheet = Sheet {
        document: document.into(),
        provenance: Some(provenance),
        names: card.token_names(),
        sections: vec![section(&effect.layers)],
        blocks: vec![
            Block::Text(format!(
                "V of neurons under {}, and through the lens: the share of the 10 best that stays, the \
                 median kurtosis of the scores, the mean z of the best\n\n",
                effect.without
            )),
            Block::table([0]),
        ],
        csv_settings: &["model", "filters", "version"],
    };
    named_in(card, sheet)
}

fn section(layers: &[LayerLensEffect]) -> Section {
    let all = || layers.iter();
    let z = |of: fn(&WithAndWithout) -> f64| Column::of(all().map(move |l| l.z.as_ref().map(of)));
    Section::new([
        Column::of(all().map(|l| l.layer))
            .named("layer")
            .shown("layer", NumberForm::Plain),
        Column::of(all().map(|l| l.departure))
            .named("departure")
            .shown("|J−1|/|1|", NumberForm::Decimals(3)),
        Column::of(all().map(|l| l.neurons)).named("neurons"),
        Column::of(all().map(|l| l.overlap))
            .named("overlap")
            .shown("stay", NumberForm::Decimals(2)),
        Column::of(all().map(|l| l.kurtosis.without))
            .named("kurtosis")
            .shown("kurtosis", NumberForm::Decimals(2)),
        Column::of(all().map(|l| l.kurtosis.with))
            .named("kurtosis_lens")
            .shown("lens", NumberForm::Decimals(2)),
        z(|z| z.without)
            .named("z")
            .shown("z", NumberForm::Decimals(2)),
        z(|z| z.with)
            .named("z_lens")
            .shown("lens", NumberForm::Decimals(2)),
    ])
}

/// The command that shows it; the lens is added where it is named.
pub fn lens_effect_command(model: &str, plan: &LensEffectPlan) -> CommandLine {
    let mut line = CommandLine::new("lens-effect", &[&model]);
    line.option("--neurons", plan.neurons);
    line.filters(&plan.filters);
    line
}
