//! What a GGUF file's keys say of experts, as `config.json` says it. What llama.cpp does without a
//! key is told from the tensors.

use serde_json::{Map, Value, json};

use super::super::CheckpointError;
use super::super::family::{ExpertLayers, ExpertNames, Renormalised, RoutingKeys, SharedNeurons};
use super::keys::Keys;

/// The architectures whose routers renormalise although no key says so.
const RENORMALISED: [&str; 3] = ["qwen3moe", "qwen3next", "lfm2moe"];

impl Keys<'_> {
    /// Adds what concerns experts to a configuration.
    ///
    /// # Errors
    /// A size that is missing, or a shared expert that the family does not have.
    pub(super) fn put_experts(
        &self,
        names: &ExpertNames,
        layers: u64,
        config: &mut Map<String, Value>,
    ) -> Result<(), CheckpointError> {
        let mut put = |key: Option<&&str>, value: Value| {
            if let Some(key) = key {
                config.insert((*key).to_owned(), value);
            }
        };
        let experts = self.whole("expert_count").unwrap_or(0);
        put(names.count.first(), experts.into());
        if experts == 0 {
            return Ok(());
        }
        let per_token = self.needed("expert_used_count")?;
        put(names.per_token.first(), per_token.into());
        let each = self.expert_size("expert_feed_forward_length", "ffn_down_exps", layers);
        if let Some(each) = each {
            put(names.neurons.first(), each.into());
        }
        match names.layers {
            ExpertLayers::All => {}
            ExpertLayers::From(key) => {
                let dense = self.whole("leading_dense_block_count").unwrap_or(0);
                put(Some(&key), dense.into());
            }
            ExpertLayers::Every { but, .. } => {
                let router = |layer: &u64| format!("blk.{layer}.ffn_gate_inp.weight");
                let dense = (0..layers).filter(|layer| !self.holds(&router(layer)));
                put(Some(&but), json!(dense.collect::<Vec<u64>>()));
            }
        }
        let shared = self.expert_size(
            "expert_shared_feed_forward_length",
            "ffn_down_shexp",
            layers,
        );
        match (names.shared.map(|shared| shared.neurons), shared) {
            (Some(SharedNeurons::Key(key)), Some(shared)) => put(Some(&key), shared.into()),
            // Where it is the feed-forward part that layers without experts have too, it is known.
            (Some(SharedNeurons::Key(key)), None) => {
                config.entry(key).or_insert_with(|| 0.into());
            }
            (Some(SharedNeurons::Times(key)), _) => {
                let count = self.whole("expert_shared_count").unwrap_or(0);
                put(Some(&key), count.into());
            }
            (None, Some(got @ 1..)) => {
                let key = "expert_shared_feed_forward_length";
                return Err(self.unlike(key, "no expert that every token takes", got));
            }
            (None, _) => {}
        }
        self.put_routing(&names.routing, config);
        Ok(())
    }

    /// How the router chooses.
    fn put_routing(&self, routing: &RoutingKeys, config: &mut Map<String, Value>) {
        let mut put = |key: &str, value: Value| drop(config.insert(key.to_owned(), value));
        if let Renormalised::Flag(key) = routing.renormalised {
            let usual = RENORMALISED.contains(&self.architecture);
            let flag = self.flag("expert_weights_norm").unwrap_or(usual);
            put(key, flag.into());
        }
        if let Some(key) = routing.factor {
            let scale = self.real("expert_weights_scale");
            let scale = scale.filter(|&scale| scale != 0.0);
            put(key, scale.map_or(Value::Null, Value::from));
        }
        if let Some(groups) = &routing.groups {
            let group = |name: &str| self.whole(name).map_or(Value::Null, Value::from);
            put(groups.groups, group("expert_group_count"));
            put(groups.taken, group("expert_group_used_count"));
            if let (Some([key, value]), Some(2..)) =
                (groups.only_if, self.whole("expert_group_count"))
            {
                put(key, value.into());
            }
        }
    }

    /// Neurons of an expert: what a key says, or else what a layer's tensor of outputs has.
    fn expert_size(&self, key: &str, tensor: &str, layers: u64) -> Option<u64> {
        let told = self.whole(key).filter(|&size| size > 0);
        told.or_else(|| {
            let inputs = |layer| self.inputs(&format!("blk.{layer}.{tensor}.weight"));
            (0..layers).find_map(inputs)
        })
    }
}
