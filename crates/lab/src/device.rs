//! Where a network is computed: the processor always, a graphics card where the crate was built for it.
//!
//! All devices differentiate, which is what training wants of them.

use burn::tensor::Device;

/// The processor.
pub fn cpu() -> Device {
    Device::flex().autodiff()
}

/// The first graphics card of NVIDIA, if the feature `cuda` is on.
pub fn cuda() -> Option<Device> {
    #[cfg(feature = "cuda")]
    return Some(Device::cuda(0).autodiff());
    #[cfg(not(feature = "cuda"))]
    None
}

/// The best graphics card that WebGPU finds, if the feature `wgpu` is on.
pub fn wgpu() -> Option<Device> {
    #[cfg(feature = "wgpu")]
    return Some(Device::wgpu(Default::default()).autodiff());
    #[cfg(not(feature = "wgpu"))]
    None
}

/// Apple's graphics card, if the feature `metal` is on.
pub fn metal() -> Option<Device> {
    #[cfg(feature = "metal")]
    return Some(Device::metal(Default::default()).autodiff());
    #[cfg(not(feature = "metal"))]
    None
}
