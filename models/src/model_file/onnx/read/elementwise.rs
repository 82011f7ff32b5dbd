//! What is computed element by element: functions, and sums and products with constants and other results.

use super::{Made, Nodes, Value, unsupported};
use crate::model_file::onnx::constant::{Constant, Floats};
use crate::model_file::onnx::draft::{Arithmetic, Function, Refusal, ValueId, Work};

pub(super) use crate::model_file::onnx::fold::together;

/// Whether this is computed element by element.
pub(super) fn is_known(op: &str) -> bool {
    arithmetic(op).is_some() || FUNCTIONS.contains(&op) || op == "PRelu"
}

/// SELU's coefficients (Klambauer and others, 2017).
const SELU_ALPHA: f32 = 1.673_263_2;
const SELU_GAMMA: f32 = 1.050_701;

const FUNCTIONS: [&str; 23] = [
    "Relu",
    "Sigmoid",
    "HardSigmoid",
    "HardSwish",
    "Swish",
    "LeakyRelu",
    "Elu",
    "Celu",
    "Selu",
    "Gelu",
    "QuickGelu",
    "Mish",
    "Clip",
    "Tanh",
    "Softplus",
    "Erf",
    "Exp",
    "Log",
    "Sqrt",
    "Reciprocal",
    "Neg",
    "Abs",
    "ThresholdedRelu",
];

fn arithmetic(op: &str) -> Option<Arithmetic> {
    Some(match op {
        "Add" | "Sum" => Arithmetic::Add,
        "Sub" => Arithmetic::Sub,
        "Mul" => Arithmetic::Mul,
        "Div" => Arithmetic::Div,
        "Max" => Arithmetic::Max,
        "Min" => Arithmetic::Min,
        "Pow" => Arithmetic::Pow,
        _ => return None,
    })
}

/// What is worked with: a result or a constant.
#[derive(Clone)]
enum Operand {
    Made(ValueId),
    Known(Floats),
}

impl Nodes<'_, '_> {
    pub(super) fn elementwise(&mut self) -> Made {
        let op = self.node.op_type.as_str();
        if let Some(arithmetic) = arithmetic(op) {
            return self.arithmetic(arithmetic);
        }
        let input = self.value(0)?;
        let dims = self.dims(input);
        if op == "PRelu" {
            let slopes = self.aligned(self.floats(1)?, dims.len());
            return self.push(Work::Prelu(slopes), vec![input], dims);
        }
        let number = |name: &str, default: f32| self.node.float_or(name, default);
        // Of the form `outer * elu(inner * x)`.
        let (inner, alpha, outer) = match op {
            "Celu" => (1.0 / number("alpha", 1.0), 1.0, number("alpha", 1.0)),
            "Selu" => (1.0, number("alpha", SELU_ALPHA), number("gamma", SELU_GAMMA)),
            _ => {
                let function = self.function(op)?;
                return self.push(Work::Function(function), vec![input], dims);
            }
        };
        let inner = self.times(input, inner)?;
        let elu = self.step(Work::Function(Function::Elu(alpha.into())), vec![inner], dims)?;
        Ok(vec![Value::Made(self.times(elu, outer)?)])
    }

    /// A value times a number; the value itself where that is one.
    pub(super) fn times(&mut self, value: ValueId, factor: f32) -> Result<ValueId, Refusal> {
        if factor == 1.0 {
            return Ok(value);
        }
        let (arithmetic, constant) = (Arithmetic::Mul, Floats::scalar(factor));
        let dims = self.dims(value);
        self.step(Work::With { arithmetic, constant, is_first: false }, vec![value], dims)
    }

    fn function(&self, op: &str) -> Result<Function, Refusal> {
        let number = |name: &str, default: f32| f64::from(self.node.float_or(name, default));
        Ok(match op {
            "Relu" => Function::Relu,
            "Sigmoid" => Function::Sigmoid,
            "HardSigmoid" => Function::HardSigmoid(number("alpha", 0.2), number("beta", 0.5)),
            "HardSwish" => Function::HardSwish,
            "Swish" => Function::Swish(number("alpha", 1.0)),
            "QuickGelu" => Function::Swish(number("alpha", 1.702)),
            "LeakyRelu" => Function::Leaky(number("alpha", 0.01)),
            "Elu" => Function::Elu(number("alpha", 1.0)),
            "Gelu" if self.node.get("approximate").is_some_and(|of| of.s == b"tanh") => Function::GeluTanh,
            "Gelu" => Function::Gelu,
            "Mish" => Function::Mish,
            "Clip" => Function::Clip(self.end(1, "min", f32::NEG_INFINITY)?, self.end(2, "max", f32::INFINITY)?),
            "Tanh" => Function::Tanh,
            "Softplus" => Function::Softplus,
            "Erf" => Function::Erf,
            "Exp" => Function::Exp,
            "Log" => Function::Log,
            "Sqrt" => Function::Sqrt,
            "Reciprocal" => Function::Reciprocal,
            "Neg" => Function::Neg,
            "Abs" => Function::Abs,
            _ => return unsupported("with these coefficients"),
        })
    }

    /// An end of a `Clip`, from an input or, in older opsets, from an attribute.
    fn end(&self, index: usize, attribute: &str, open: f32) -> Result<f64, Refusal> {
        match self.optional_floats(index)? {
            Some(floats) => match floats.single() {
                Some(value) => Ok(value.into()),
                None => unsupported("between lists"),
            },
            None => Ok(self.node.float_or(attribute, open).into()),
        }
    }

    /// The inputs one after another: a `Sum` has any number.
    fn arithmetic(&mut self, arithmetic: Arithmetic) -> Made {
        let operands = (0..self.inputs.len()).map(|index| self.operand(index)).collect::<Result<Vec<_>, _>>()?;
        let mut operands = operands.into_iter();
        let Some(mut sum) = operands.next() else { return unsupported("of nothing") };
        for operand in operands {
            sum = Operand::Made(self.pair(arithmetic, sum, operand)?);
        }
        match sum {
            Operand::Made(value) => Ok(vec![Value::Made(value)]),
            Operand::Known(_) => unsupported("of a constant"),
        }
    }

    fn operand(&self, index: usize) -> Result<Operand, Refusal> {
        match self.inputs.get(index) {
            Some(Some(Value::Made(value))) => Ok(Operand::Made(*value)),
            Some(Some(Value::Constant(Constant::Ints(ints)))) => match *ints.values {
                [value] => Ok(Operand::Known(Floats::scalar(value as f32))),
                _ => unsupported("with a list of whole numbers"),
            },
            _ => {
                let rank = self.inputs.iter().flatten().find_map(|input| match input {
                    &Value::Made(value) => Some(self.dims(value).len()),
                    Value::Constant(_) => None,
                });
                Ok(Operand::Known(self.aligned(self.floats(index)?, rank.unwrap_or(0))))
            }
        }
    }

    /// A constant for a value of `rank` axes; before opset 7 its place could be told by an attribute.
    fn aligned(&self, floats: &Floats, rank: usize) -> Floats {
        let first = self.node.int_or("axis", -1);
        let behind = usize::try_from(first).ok().and_then(|first| rank.checked_sub(first + floats.dims.len()));
        match behind {
            Some(behind) if self.node.int_or("broadcast", 0) != 0 => {
                floats.shaped([floats.dims.clone(), vec![1; behind]].concat())
            }
            _ => floats.clone(),
        }
    }

    fn pair(&mut self, arithmetic: Arithmetic, one: Operand, other: Operand) -> Result<ValueId, Refusal> {
        let (value, constant, is_first) = match (one, other) {
            (Operand::Made(one), Operand::Made(other)) => {
                let (left, right) = (self.dims(one), self.dims(other));
                return match together(&left, &right) {
                    Some(dims) => self.step(Work::Combine(arithmetic), vec![one, other], dims),
                    None => unsupported(format!("of {left:?} and {right:?}")),
                };
            }
            (Operand::Made(value), Operand::Known(constant)) => (value, constant, false),
            (Operand::Known(constant), Operand::Made(value)) => (value, constant, true),
            (Operand::Known(_), Operand::Known(_)) => return unsupported("of two constants and more"),
        };
        let dims = self.dims(value);
        if together(&dims, &constant.dims).as_ref() != Some(&dims) {
            return unsupported(format!("of {dims:?} and a constant of shape {:?}", constant.dims));
        }
        self.step(Work::With { arithmetic, constant, is_first }, vec![value], dims)
    }
}
