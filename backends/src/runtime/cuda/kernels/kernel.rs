//! From a spec to its kernels.

use super::chains::{pair, single, triple};
use super::geometry::{Map, expect};
use super::part::Part;
use super::variant::Variant;
use super::way::Way;
use super::{Card, ImageStrides, Parameters, Refusal, Source};
use crate::runtime::plan::{KernelSpec, Work};

/// Everything that computes a spec.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GpuKernel {
    name: &'static str,
    ways: Vec<Way>,
    /// Channels of the input (features of a flattened one), of the output, and of the second operand.
    lists: [usize; 3],
    /// Lengths of each step's filters and biases.
    parameters: Vec<[usize; 2]>,
}

impl GpuKernel {
    /// The kernels of a chain of steps.
    ///
    /// # Errors
    /// Where the chain is not computed in one launch ([`Refusal::Chain`]), an operand lies where it is not read, or sizes do
    /// not fit one another or 32 bits.
    pub fn of(spec: &KernelSpec, strides: &ImageStrides) -> Result<Self, Refusal> {
        let chain = || Refusal::Chain { chain: spec.to_string() };
        let last = spec.steps.last().ok_or_else(chain)?;
        let (map, output) = (Map::of(&spec.input)?, Map::of(&last.output)?);
        if spec.steps.iter().any(|step| step.output.batch != spec.input.batch) {
            return Err(Refusal::Shape { what: "the batch", given: last.output.batch, expected: spec.input.batch });
        }
        // What is between two steps is read by the next one and nothing else.
        if spec.steps.iter().rev().skip(1).any(|step| step.epilogue.residual) {
            return Err(chain());
        }
        let parts: Vec<Part> = (0..spec.steps.len()).map(|i| Part::of(spec, i)).collect::<Result<_, _>>()?;
        let (name, ways) = match parts.as_slice() {
            [one] => single(spec, one, strides)?,
            [first, second] => pair(spec, first, second).ok_or_else(chain)?,
            [first, second, third] => triple(spec, first, second, third).ok_or_else(chain)?,
            _ => return Err(chain()),
        };
        let plain = ImageStrides::plain(spec);
        let strided =
            |work| matches!(work, Work::Linear | Work::Elementwise(_) | Work::LayerNorm { .. } | Work::LocalNorm(_));
        let reads_anything = strided(last.work) && parts.len() == 1;
        if strides.input != plain.input && !reads_anything {
            let problem = "a flattened map is read by linear, element-wise and normalising kernels only: copy it first";
            return Err(Refusal::Operand { kernel: name, problem });
        }
        let elementwise = matches!(last.work, Work::Elementwise(_));
        let second = last.epilogue.residual || last.work.has_second();
        if second && strides.second != plain.second && !elementwise {
            let problem = "its second operand was flattened: copy it first";
            return Err(Refusal::Operand { kernel: name, problem });
        }
        let ways = ways.into_iter().map(Way::checked).collect::<Result<_, _>>()?;
        let outputs = output.channels as usize;
        let lists = [map.channels as usize, outputs, if second { outputs } else { 0 }];
        Ok(Self { name, ways, lists, parameters: parts.iter().map(Part::parameters).collect() })
    }

    /// Best guess first; at most 12. Empty where nothing fits into the card's shared memory: launch the steps one by one.
    #[must_use]
    pub fn variants(&self, card: &Card) -> Vec<Variant> {
        let mut all: Vec<Variant> = self.ways.iter().flat_map(|way| way.variants(card)).collect();
        all.truncate(12);
        all
    }

    /// Variants whose texts for many shapes ([`Form::Generic`](super::Form::Generic)) are compiled beforehand, for machines
    /// that have a driver and no compiler. Empty: launch the steps one by one, or there is none in this precision.
    #[must_use]
    pub fn portable(&self, card: &Card) -> Vec<Variant> {
        self.ways.iter().flat_map(|way| way.portable(card)).collect()
    }

    /// The text of a variant and how it is launched.
    ///
    /// # Errors
    /// [`Refusal::Variant`] where the variant is another kernel's.
    pub fn source(&self, variant: Variant) -> Result<Source, Refusal> {
        let found = self.ways.iter().find_map(|way| way.source(variant));
        found.ok_or_else(|| self.not_mine(variant))
    }

    /// Whether [`table`](Self::table) wants a second list, and the kernel a second bank.
    #[must_use]
    pub const fn reads_second(&self) -> bool {
        self.lists[2] > 0
    }

    /// Weights as the variant's text reads them; empty where there are none.
    ///
    /// # Errors
    /// Where a slice's length is not what its step needs, or the variant is another kernel's.
    pub fn pack(&self, variant: Variant, steps: &[Parameters<'_>]) -> Result<Vec<u8>, Refusal> {
        expect("the number of steps' parameters", steps.len(), self.parameters.len())?;
        for (step, &[filters, bias]) in steps.iter().zip(&self.parameters) {
            expect("the number of a step's filters", step.filters.len(), filters)?;
            if !step.bias.is_empty() {
                expect("the number of a step's biases", step.bias.len(), bias)?;
            }
        }
        let found = self.ways.iter().find(|way| way.source(variant).is_some());
        found.and_then(|way| way.pack(variant, steps)).ok_or_else(|| self.not_mine(variant))
    }

    /// The list of offsets for the kernel: inputs, outputs, second operand, in elements.
    ///
    /// # Errors
    /// Where a list's length is wrong.
    pub fn table(&self, input: &[u32], output: &[u32], second: Option<&[u32]>) -> Result<Vec<u32>, Refusal> {
        let second = second.unwrap_or(&[]);
        expect("the number of the input's offsets", input.len(), self.lists[0])?;
        expect("the number of the output's offsets", output.len(), self.lists[1])?;
        expect("the number of the second operand's offsets", second.len(), self.lists[2])?;
        Ok([input, output, second].concat())
    }

    fn not_mine(&self, variant: Variant) -> Refusal {
        Refusal::Variant { variant: variant.to_string(), kernel: self.name }
    }
}
