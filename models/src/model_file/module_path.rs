//! Which paths a layer can have as a module of PyTorch: the one rule for layers that come from other programs and for
//! source that is written for PyTorch.
//!
//! A path is segments between dots. Python's keywords and segments that begin with a digit are allowed: PyTorch takes
//! them, and a checkpoint may have them. What `nn.Module` calls its own is not: `self.forward` is no layer.

/// Modules in modules; PyTorch walks them by recursion, which Python allows a thousand deep.
const DEEPEST: usize = 32;

/// What every `nn.Module` has, from PyTorch 1.13 to 2.15; in the order of `str`.
const OF_MODULES: [&str; 86] = [
    "T_destination",
    "_apply",
    "_backward_hooks",
    "_backward_pre_hooks",
    "_buffers",
    "_call_impl",
    "_compiled_call_impl",
    "_forward_hooks",
    "_forward_hooks_always_called",
    "_forward_hooks_with_kwargs",
    "_forward_pre_hooks",
    "_forward_pre_hooks_with_kwargs",
    "_get_backward_hooks",
    "_get_backward_pre_hooks",
    "_get_name",
    "_is_full_backward_hook",
    "_load_from_state_dict",
    "_load_state_dict_post_hooks",
    "_load_state_dict_pre_hooks",
    "_maybe_warn_non_full_backward_hook",
    "_modules",
    "_named_members",
    "_non_persistent_buffers_set",
    "_parameters",
    "_register_load_state_dict_pre_hook",
    "_register_state_dict_hook",
    "_replicate_for_data_parallel",
    "_save_to_state_dict",
    "_slow_forward",
    "_state_dict_hooks",
    "_state_dict_pre_hooks",
    "_version",
    "_wrapped_call_impl",
    "add_module",
    "apply",
    "bfloat16",
    "buffers",
    "call_super_init",
    "children",
    "compile",
    "cpu",
    "cuda",
    "double",
    "dump_patches",
    "eval",
    "extra_repr",
    "float",
    "forward",
    "get_buffer",
    "get_extra_state",
    "get_parameter",
    "get_submodule",
    "half",
    "ipu",
    "load_state_dict",
    "modules",
    "mtia",
    "named_buffers",
    "named_children",
    "named_modules",
    "named_parameters",
    "parameters",
    "register_backward_hook",
    "register_buffer",
    "register_forward_hook",
    "register_forward_pre_hook",
    "register_full_backward_hook",
    "register_full_backward_pre_hook",
    "register_load_state_dict_post_hook",
    "register_load_state_dict_pre_hook",
    "register_module",
    "register_parameter",
    "register_state_dict_post_hook",
    "register_state_dict_pre_hook",
    "requires_grad_",
    "set_extra_state",
    "set_submodule",
    "share_memory",
    "state_dict",
    "to",
    "to_empty",
    "train",
    "training",
    "type",
    "xpu",
    "zero_grad",
];

/// What the modules of layers have beside that; a layer's child cannot be called so. In the order of `str`.
const OF_LAYERS: [&str; 34] = [
    "_check_input_dim",
    "_conv_forward",
    "_reversed_padding_repeated_twice",
    "affine",
    "bias",
    "ceil_mode",
    "count_include_pad",
    "dilation",
    "divisor_override",
    "eps",
    "groups",
    "in_channels",
    "in_features",
    "inplace",
    "kernel_size",
    "max_val",
    "min_val",
    "momentum",
    "num_batches_tracked",
    "num_features",
    "out_channels",
    "out_features",
    "output_padding",
    "padding",
    "padding_mode",
    "reset_parameters",
    "reset_running_stats",
    "return_indices",
    "running_mean",
    "running_var",
    "stride",
    "track_running_stats",
    "transposed",
    "weight",
];

/// Python's keywords, in the order of `str`; soft ones are plain names behind a dot.
const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
    "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
    "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

/// `path` as a module can have it: itself wherever possible, empty where nothing of it can stay.
///
/// Letters, digits and underscores between single dots, not beginning with a digit, at most [`DEEPEST`] segments, none
/// of them an attribute of `nn.Module`.
pub(super) fn module_path(path: &str) -> String {
    let plain = |character: char| if character.is_ascii_alphanumeric() { character } else { '_' };
    let mut segments: Vec<String> = Vec::new();
    for segment in path.split('.').filter(|segment| !segment.is_empty()) {
        let segment: String = segment.chars().map(plain).collect();
        let is_full = segments.len() == DEEPEST;
        match segments.last_mut() {
            Some(last) if is_full => *last += &format!("_{segment}"),
            _ => segments.push(segment),
        }
    }
    let mut path = segments.into_iter().map(free).collect::<Vec<_>>().join(".");
    if path.starts_with(|first: char| first.is_ascii_digit()) {
        path.insert_str(0, LAYER);
    }
    path
}

/// What stands before names that cannot begin as they do.
const LAYER: &str = "layer";

/// The segment where `nn.Module` has no attribute of that name, otherwise one like it.
fn free(mut segment: String) -> String {
    // Names like `__init__` are Python's own.
    if segment.starts_with("__") && segment.ends_with("__") {
        segment.insert_str(0, LAYER);
    }
    while OF_MODULES.binary_search(&segment.as_str()).is_ok() {
        segment.push('_');
    }
    segment
}

/// Whether the module of a layer has an attribute of this name.
pub(super) fn is_of_layers(segment: &str) -> bool {
    OF_LAYERS.binary_search(&segment).is_ok()
}

/// Whether Python reaches a child of this name with a dot, in a class as well: there, names that begin with two
/// underscores are changed.
pub(super) fn is_attribute(segment: &str) -> bool {
    let starts_well = segment.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    starts_well && !segment.starts_with("__") && KEYWORDS.binary_search(&segment).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_in_order_so_that_they_can_be_searched() {
        assert!(OF_MODULES.is_sorted() && OF_LAYERS.is_sorted() && KEYWORDS.is_sorted());
    }

    #[test]
    fn a_path_stays_as_it_is_where_a_module_can_have_it() {
        for path in
            ["conv1", "stage2.0.branch2.3", "_blocks.0._bn0", "lambda", "heads.class.0", "match", "a.__b", "keys"]
        {
            assert_eq!(module_path(path), path);
        }
    }

    #[test]
    fn what_a_module_calls_its_own_or_python_cannot_say_is_changed_as_little_as_possible() {
        for (path, expected) in [
            ("forward", "forward_"),
            ("block.type", "block.type_"),
            ("training.0", "training_.0"),
            ("requires_grad_", "requires_grad__"),
            ("T_destination", "T_destination_"),
            ("__init__", "layer__init__"),
            ("a.__", "a.layer__"),
            ("0.1 2", "layer0.1_2"),
            ("..a..b.", "a.b"),
            ("a-b/c'\"\\d", "a_b_c___d"),
            ("größe", "gr__e"),
            ("", ""),
        ] {
            assert_eq!(module_path(path), expected, "{path}");
        }
    }

    #[test]
    fn the_rule_has_nothing_to_change_twice() {
        let deep = ["add", "module"].repeat(40).join(".");
        let segments = ["forward", "_", "__", "___", "a b", "9", "to", "train_", "__call__", "é"];
        for path in
            segments.iter().flat_map(|one| segments.iter().map(move |next| format!("{one}.{next}"))).chain([deep])
        {
            let made = module_path(&path);
            assert_eq!(module_path(&made), made, "{path}");
            assert!(!made.is_empty() && made.split('.').count() <= DEEPEST, "{path}: {made}");
        }
    }

    #[test]
    fn a_dot_reaches_what_is_no_keyword_and_no_number() {
        for name in ["conv1", "_fc", "match", "type_", "_", "print"] {
            assert!(is_attribute(name), "{name}");
        }
        for name in ["lambda", "None", "0", "1x1", "__private"] {
            assert!(!is_attribute(name), "{name}");
        }
    }
}
