//! Compiled shaders, made once and kept: in this process, and on disk where the driver has a cache for that.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::kernels::Source;
use crate::files::{read_regular, write_atomically};
use crate::runtime::gpu::choices::file_name;
use crate::runtime::gpu::on_threads;
use crate::units::Bytes;

/// Largest cache of a driver that is read back.
const LARGEST_CACHE: Bytes = Bytes(256 << 20);

/// Most threads that compile shaders.
const MOST_THREADS: usize = 8;

/// A shader ready to run, and the layout of what it is bound to.
#[derive(Clone, Debug)]
pub(super) struct Pipeline {
    pub pipeline: wgpu::ComputePipeline,
    pub layout: wgpu::BindGroupLayout,
}

/// All pipelines of a device.
#[derive(Debug)]
pub(super) struct Pipelines {
    device: wgpu::Device,
    by_text: Mutex<HashMap<String, Pipeline>>,
    layouts: Mutex<HashMap<Vec<u32>, wgpu::BindGroupLayout>>,
    /// The driver's own cache, and the file that keeps it.
    cache: Option<(wgpu::PipelineCache, PathBuf)>,
    /// Whether something was made since the file was written.
    is_stale: AtomicBool,
}

impl Pipelines {
    /// None yet, besides what the driver's cache in `folder` knows of the adapter `name`.
    pub fn new(device: &wgpu::Device, name: &str, folder: Option<&Path>) -> Self {
        let has_cache = device.features().contains(wgpu::Features::PIPELINE_CACHE);
        let file = folder.filter(|_| has_cache).map(|folder| folder.join(format!("{}.pipelines", file_name(name))));
        let cache = file.map(|file| {
            let data = read_regular(&file, LARGEST_CACHE).ok();
            // SAFETY: the data is what the same adapter and driver gave, in a file of the user's own that nothing else
            // writes; what is not the driver's is dropped (`fallback`), for the data begins with its name and version.
            let cache = unsafe {
                device.create_pipeline_cache(&wgpu::PipelineCacheDescriptor {
                    label: None,
                    data: data.as_deref(),
                    fallback: true,
                })
            };
            (cache, file)
        });
        let (by_text, layouts) = (Mutex::default(), Mutex::default());
        Self { device: device.clone(), by_text, layouts, cache, is_stale: AtomicBool::new(false) }
    }

    /// The pipeline of a text that is there already.
    pub fn get(&self, text: &str) -> Option<Pipeline> {
        self.by_text.lock().unwrap_or_else(PoisonError::into_inner).get(text).cloned()
    }

    /// Makes the pipelines of all texts that have none, on several threads. Whether the driver takes them shows in the
    /// error scopes of whoever asks, and in [`of`](Self::of).
    pub fn make_all(&self, sources: &[&Source]) {
        let missing: Vec<&&Source> = sources.iter().filter(|source| self.get(&source.text).is_none()).collect();
        on_threads(&missing, MOST_THREADS, |source| {
            let _made = self.of(source);
        });
    }

    /// The pipeline of `source`, made if need be.
    ///
    /// # Errors
    /// What the driver says against it.
    pub fn of(&self, source: &Source) -> Result<Pipeline, String> {
        if let Some(pipeline) = self.get(&source.text) {
            return Ok(pipeline);
        }
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let made = self.make(source);
        if let Some(error) = pollster::block_on(scope.pop()) {
            return Err(error.to_string());
        }
        self.is_stale.store(true, Ordering::Relaxed);
        let mut by_text = self.by_text.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(by_text.entry(source.text.clone()).or_insert(made).clone())
    }

    fn make(&self, source: &Source) -> Pipeline {
        let layout = self.layout(&source.bindings);
        let pipeline_layout = self.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: None,
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let text = wgpu::ShaderSource::Wgsl(Cow::Borrowed(&source.text));
        let descriptor = wgpu::ShaderModuleDescriptor { label: None, source: text };
        // SAFETY: the texts are our own (`kernels`); every access in them is guarded by their own tests of sizes, which the
        // compiler of launches gives them together with the buffers; loops are bounded and divisors are constants.
        let module =
            unsafe { self.device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked()) };
        let pipeline = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: None,
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants: &[],
                zero_initialize_workgroup_memory: false,
            },
            cache: self.cache.as_ref().map(|(cache, _)| cache),
        });
        Pipeline { pipeline, layout }
    }

    /// Bindings of group 0: number 1 is written, all others are read.
    fn layout(&self, bindings: &[u32]) -> wgpu::BindGroupLayout {
        let mut layouts = self.layouts.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            let entry = |&binding: &u32| wgpu::BindGroupLayoutEntry {
                binding,
                visibility: wgpu::ShaderStages::COMPUTE,
                ty: wgpu::BindingType::Buffer {
                    ty: wgpu::BufferBindingType::Storage { read_only: binding != 1 },
                    has_dynamic_offset: false,
                    min_binding_size: None,
                },
                count: None,
            };
            let entries: Vec<_> = bindings.iter().map(entry).collect();
            self.device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: None, entries: &entries })
        };
        layouts.entry(bindings.to_vec()).or_insert_with(make).clone()
    }

    /// Writes the driver's cache to its file where something is new. That it cannot be written only costs time.
    pub fn keep(&self) {
        let Some((cache, file)) = &self.cache else { return };
        if self.is_stale.swap(false, Ordering::Relaxed)
            && let Some(data) = cache.get_data()
            && file.parent().is_some_and(|folder| std::fs::create_dir_all(folder).is_ok())
        {
            let _written = write_atomically(file, &data);
        }
    }
}
