//! The window, driven through its accessible controls, with the real worker process and without a GPU.

#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

mod advice;
mod around;
mod basics;
mod camera;
mod compare;
mod devices;
mod explore;
mod export;
mod history;
mod lab;
mod lab_paper;
mod picture;
mod reading;
mod saving;
mod stages;
#[path = "../support/stand_in.rs"]
mod stand_in;
#[path = "../support/mod.rs"]
mod support;
mod targets;
mod teach;
mod views;
