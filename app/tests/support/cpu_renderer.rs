//! Paints egui's triangles without a GPU, so that tests can look at the window anywhere.

use std::collections::HashMap;

use egui::epaint::{Primitive, Vertex};
use egui::{Color32, ColorImage, Rect, TextureId, TexturesDelta};
use egui_kittest::TestRenderer;
use image::RgbaImage;

/// Keeps the textures and fills triangles.
#[derive(Default)]
pub struct CpuRenderer {
    textures: HashMap<TextureId, ColorImage>,
}

impl TestRenderer for CpuRenderer {
    fn handle_delta(&mut self, delta: &mut TexturesDelta) {
        for (id, changes) in delta.set.drain() {
            for change in changes {
                let egui::ImageData::Color(patch) = &change.image;
                match change.pos {
                    None => {
                        self.textures.insert(id, (**patch).clone());
                    }
                    Some(at) => {
                        if let Some(texture) = self.textures.get_mut(&id) {
                            overwrite(texture, at, patch);
                        }
                    }
                }
            }
        }
        for id in delta.free.drain() {
            self.textures.remove(&id);
        }
    }

    fn render(&mut self, ctx: &egui::Context, output: &egui::FullOutput) -> Result<RgbaImage, String> {
        let scale = ctx.pixels_per_point();
        let size = ctx.content_rect().size() * scale;
        let mut canvas = Canvas::new(size.x.round() as usize, size.y.round() as usize);
        for clipped in ctx.tessellate(output.shapes.clone(), scale) {
            let Primitive::Mesh(mesh) = &clipped.primitive else { continue };
            let Some(texture) = self.textures.get(&mesh.texture_id) else { continue };
            let clip = canvas.clip(clipped.clip_rect * scale);
            for corners in mesh.indices.chunks_exact(3) {
                canvas.fill([0, 1, 2].map(|corner| &mesh.vertices[corners[corner] as usize]), scale, clip, texture);
            }
        }
        canvas.into_image()
    }
}

fn overwrite(texture: &mut ColorImage, [left, top]: [usize; 2], patch: &ColorImage) {
    let (width, whole) = (patch.size[0], texture.size[0]);
    for (row, pixels) in patch.pixels.chunks_exact(width).enumerate() {
        let start = (top + row) * whole + left;
        texture.pixels[start..start + width].copy_from_slice(pixels);
    }
}

/// Pixels as premultiplied colour from 0 to 255.
struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<[f32; 4]>,
}

/// Half-open ranges of pixels.
#[derive(Clone, Copy)]
struct Clip {
    x: [usize; 2],
    y: [usize; 2],
}

impl Canvas {
    fn new(width: usize, height: usize) -> Self {
        Self { width, height, pixels: vec![[0.0, 0.0, 0.0, 255.0]; width * height] }
    }

    fn clip(&self, rect: Rect) -> Clip {
        let within = |at: f32, most: usize| (at.round().max(0.0) as usize).min(most);
        Clip {
            x: [within(rect.min.x, self.width), within(rect.max.x, self.width)],
            y: [within(rect.min.y, self.height), within(rect.max.y, self.height)],
        }
    }

    /// Fills one triangle; pixels on an edge that two triangles share belong to one of them.
    fn fill(&mut self, corners: [&Vertex; 3], scale: f32, clip: Clip, texture: &ColorImage) {
        let mut corners = corners;
        let mut points = corners.map(|corner| corner.pos * scale);
        let mut area = edge(points[0], points[1], points[2]);
        if area == 0.0 {
            return;
        }
        if area < 0.0 {
            corners.swap(1, 2);
            points.swap(1, 2);
            area = -area;
        }
        let [a, b, c] = points;
        let colors = corners.map(|corner| corner.color.to_array().map(f32::from));
        let plain = corners.iter().all(|corner| corner.uv == corners[0].uv && corner.color == corners[0].color);
        let flat = plain.then(|| shade(sample(texture, corners[0].uv), colors[0]));
        let owned = [owns(b, c), owns(c, a), owns(a, b)];
        let weights = |x: usize, y: usize| {
            let at = egui::pos2(x as f32 + 0.5, y as f32 + 0.5);
            [edge(b, c, at), edge(c, a, at), edge(a, b, at)]
        };
        let inside = |x: usize, y: usize| {
            weights(x, y).iter().zip(owned).all(|(&weight, owned)| weight > 0.0 || (weight == 0.0 && owned))
        };
        let range = |low: f32, high: f32, clip: [usize; 2]| {
            (low.floor().max(0.0) as usize).max(clip[0])..(high.ceil().max(0.0) as usize).min(clip[1])
        };
        let columns = range(a.x.min(b.x).min(c.x), a.x.max(b.x).max(c.x), clip.x);
        for y in range(a.y.min(b.y).min(c.y), a.y.max(b.y).max(c.y), clip.y) {
            // A triangle's pixels in a row are one span.
            let Some(first) = columns.clone().find(|&x| inside(x, y)) else { continue };
            let last = columns.clone().rev().find(|&x| inside(x, y)).unwrap_or(first);
            for x in first..=last {
                let color = flat.unwrap_or_else(|| {
                    let share = weights(x, y).map(|weight| weight / area);
                    let mix = |values: [f32; 3]| share[0] * values[0] + share[1] * values[1] + share[2] * values[2];
                    let uv = egui::pos2(mix(corners.map(|v| v.uv.x)), mix(corners.map(|v| v.uv.y)));
                    shade(sample(texture, uv), [0, 1, 2, 3].map(|channel| mix(colors.map(|color| color[channel]))))
                });
                blend(&mut self.pixels[y * self.width + x], color);
            }
        }
    }

    fn into_image(self) -> Result<RgbaImage, String> {
        let bytes = self.pixels.iter().flat_map(|pixel| pixel.map(|channel| channel.clamp(0.0, 255.0).round() as u8));
        RgbaImage::from_raw(self.width as u32, self.height as u32, bytes.collect()).ok_or_else(|| "wrong size".into())
    }
}

/// Twice the signed area of the triangle.
fn edge(a: egui::Pos2, b: egui::Pos2, p: egui::Pos2) -> f32 {
    (b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x)
}

/// Whether pixels exactly on this edge belong to the triangle: the top-left rule.
fn owns(a: egui::Pos2, b: egui::Pos2) -> bool {
    (a.y == b.y && b.x > a.x) || b.y < a.y
}

fn shade(texel: [f32; 4], tint: [f32; 4]) -> [f32; 4] {
    std::array::from_fn(|channel| texel[channel] * tint[channel] / 255.0)
}

/// Premultiplied `over`.
fn blend(pixel: &mut [f32; 4], over: [f32; 4]) {
    let through = 1.0 - over[3] / 255.0;
    if through <= 0.0 {
        *pixel = over;
        return;
    }
    for (below, above) in pixel.iter_mut().zip(over) {
        *below = above + *below * through;
    }
}

/// Bilinear, clamped at the borders.
fn sample(texture: &ColorImage, uv: egui::Pos2) -> [f32; 4] {
    let [width, height] = texture.size;
    let (x, y) = (uv.x * width as f32 - 0.5, uv.y * height as f32 - 0.5);
    let (fx, fy) = (x - x.floor(), y - y.floor());
    let at = |x: f32, y: f32| {
        let clamp = |at: f32, size: usize| (at.max(0.0) as usize).min(size - 1);
        let color: Color32 = texture.pixels[clamp(y, height) * width + clamp(x, width)];
        color.to_array().map(f32::from)
    };
    let (x0, y0) = (x.floor(), y.floor());
    if fx == 0.0 && fy == 0.0 {
        return at(x0, y0);
    }
    let corners = [at(x0, y0), at(x0 + 1.0, y0), at(x0, y0 + 1.0), at(x0 + 1.0, y0 + 1.0)];
    let weights = [(1.0 - fx) * (1.0 - fy), fx * (1.0 - fy), (1.0 - fx) * fy, fx * fy];
    std::array::from_fn(|channel| corners.iter().zip(weights).map(|(corner, weight)| corner[channel] * weight).sum())
}
