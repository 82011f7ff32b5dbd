//! The mean over an image's pixels behind a matrix product: its map is never written.

use super::product::Product;
use super::text::Text;

impl Product<'_> {
    /// The mean over an image's pixels, tile after tile; a workgroup has one image.
    pub(super) fn means(&self, text: &mut Text) {
        let tile = self.tile;
        let all = tile.rows * tile.row_vectors();
        // Sums over pixels that a thread keeps: one a row, or one for each place of the tile that it adds up.
        let kept = if tile.split > 1 { all.div_ceil(tile.threads()) } else { tile.row_step };
        text.line("let n = across;");
        for at in 0..kept {
            text.line(format!("var s{at} = 0.0;"));
        }
        text.open(format!("for (var p0 = 0u; p0 < {}u; p0 += {}u)", self.vectors(), tile.row_vectors()));
        self.sums(text, "p0 + k0 > 0u");
        if tile.split > 1 {
            self.share(text);
        }
        for at in 0..kept {
            if tile.split > 1 {
                text.open("");
                text.line(format!("let o = local + {}u;", at * tile.threads()));
                text.open(format!("if (o < {all}u)"));
                text.line(format!("let p = p0 + o % {}u;", tile.row_vectors()));
                self.open_row(text, &format!("m0 + o / {}u", tile.row_vectors()), None);
                self.add_pixels(text, at, &self.whole());
                Self::close_row(text);
                text.close();
                text.close();
            } else {
                self.open_row(text, &format!("m0 + ty * {}u + {at}u", tile.row_step), None);
                for vector in 0..tile.vectors {
                    text.open("");
                    text.line(format!("let p = p0 + tx + {}u;", vector * tile.threads_across()));
                    self.add_pixels(text, at, &format!("a{at}_{vector}"));
                    text.close();
                }
                Self::close_row(text);
            }
        }
        text.close();
        self.write_means(text, kept, all);
    }

    /// Adds vector `p` of pixels to a thread's sum, without what lies behind the image.
    fn add_pixels(&self, text: &mut Text, at: u32, value: &str) {
        let pixels = self.matmul.output.pixels();
        text.line(format!("let v = before_mean4({value} + bias);"));
        let counts = "vec4<u32>(4u * p) + vec4<u32>(0u, 1u, 2u, 3u)";
        let kept = format!("select(vec4<f32>(), v, {counts} < vec4<u32>({pixels}u))");
        text.line(format!("s{at} += dot({kept}, vec4<f32>(1.0));"));
    }

    fn write_means(&self, text: &mut Text, kept: u32, all: u32) {
        let tile = self.tile;
        let width = if tile.split > 1 { tile.row_vectors() } else { tile.threads_across() };
        for at in 0..kept {
            if tile.split > 1 {
                let place = format!("local + {}u", at * tile.threads());
                text.line(format!("if ({place} < {all}u) {{ sums[{place}] = s{at}; }}"));
            } else {
                text.line(format!("sums[(ty * {}u + {at}u) * {width}u + tx] = s{at};", tile.row_step));
            }
        }
        text.line("workgroupBarrier();");
        text.open(format!("for (var row = local; row < {}u; row += {}u)", tile.rows, tile.threads()));
        text.line("let m = m0 + row;");
        text.open(format!("if (m < {}u)", self.matmul.rows));
        text.line("var sum = 0.0;");
        text.line(format!("for (var i = 0u; i < {width}u; i++) {{ sum += sums[row * {width}u + i]; }}"));
        let value = format!("sum / {}.0", self.matmul.output.pixels());
        self.matmul.finish.put1(text, self.lists(), "m", "n", &value);
        text.close();
        text.close();
    }
}
