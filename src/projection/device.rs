//! Where products are computed: the processor, or a GPU in builds that know one.

use candle_core::Device;
use serde::{Deserialize, Serialize};

/// What the user asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceChoice {
    /// A GPU if this build knows one and it answers, else the processor.
    #[default]
    Auto,
    Cpu,
    Cuda,
    Metal,
}

/// The device to use, and a sentence for the user where it is not the one asked for.
pub fn pick_device(choice: DeviceChoice) -> (Device, Option<String>) {
    let tries: &[DeviceChoice] = match choice {
        DeviceChoice::Cpu => &[],
        DeviceChoice::Auto => &[
            #[cfg(feature = "cuda")]
            DeviceChoice::Cuda,
            #[cfg(feature = "metal")]
            DeviceChoice::Metal,
        ],
        DeviceChoice::Cuda => &[DeviceChoice::Cuda],
        DeviceChoice::Metal => &[DeviceChoice::Metal],
    };
    let mut notice = None;
    for &kind in tries {
        match open(kind) {
            Ok(device) => return (device, None),
            Err(why) => notice = Some(format!("using the cpu: {why}")),
        }
    }
    (Device::Cpu, notice)
}

/// The device's name as it is shown: `cpu`, `cuda`, `metal`.
pub fn device_name(device: &Device) -> &'static str {
    match device {
        Device::Cpu => "cpu",
        Device::Cuda(_) => "cuda",
        Device::Metal(_) => "metal",
    }
}

fn open(kind: DeviceChoice) -> Result<Device, String> {
    let built_in = match kind {
        DeviceChoice::Cuda => cfg!(feature = "cuda"),
        DeviceChoice::Metal => cfg!(feature = "metal"),
        DeviceChoice::Auto | DeviceChoice::Cpu => true,
    };
    let feature = if kind == DeviceChoice::Cuda {
        "cuda"
    } else {
        "metal"
    };
    if !built_in {
        return Err(format!(
            "this build knows no {feature} (build with `cargo build --release --features {feature}`)"
        ));
    }
    let device = match kind {
        DeviceChoice::Cuda => Device::new_cuda(0),
        DeviceChoice::Metal => Device::new_metal(0),
        DeviceChoice::Auto | DeviceChoice::Cpu => Ok(Device::Cpu),
    };
    // candle adds a backtrace below the first line.
    device.map_err(|e| {
        format!(
            "{feature} does not answer: {}",
            e.to_string().lines().next().unwrap_or_default()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(not(any(feature = "cuda", feature = "metal")))]
    fn falls_back_to_the_cpu_with_a_notice() {
        let (device, notice) = pick_device(DeviceChoice::Cuda);
        assert!(device.is_cpu());
        let notice = notice.unwrap();
        assert!(
            notice.contains("cpu") && notice.contains("--features cuda"),
            "{notice}"
        );
        assert_eq!(pick_device(DeviceChoice::Auto).1, None);
    }
}
