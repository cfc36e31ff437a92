import CDynamax

/// Images or feature maps as rows of pixels: image by image and line by line, [images * height * width, channels].
///
/// In this form a convolution is a product of rows, what treats each pixel on its own (norms, activations, a layer with one
/// tap) is an operation on rows, and the patches of a vision transformer are rows of its input. Frameworks that hold
/// [images, channels, height, width] give and take `planes`.
public struct ImageRows: Sendable {
    /// [images * height * width, channels]
    public let rows: Tensor
    /// The number of images.
    public let images: Int
    /// Lines of each image.
    public let height: Int
    /// Pixels of each line.
    public let width: Int

    /// Numbers of each pixel.
    public var channels: Int { rows.columns }

    /// Takes rows of pixels.
    ///
    /// - Parameter rows: [images * height * width, channels]
    public init(_ rows: Tensor, images: Int, height: Int, width: Int) {
        precondition(rows.shape.rank == 2 && rows.rows == images * height * width)
        precondition(images >= 0 && height > 0 && width > 0)
        self.rows = rows
        self.images = images
        self.height = height
        self.width = width
    }

    /// Takes images channel by channel; gradients do not flow back to them.
    ///
    /// - Parameter planes: [images, channels, height, width]
    public init(planes: Tensor) {
        precondition(planes.shape.rank == 4 && !planes.isTracked, "expected data, [images, channels, height, width]")
        let (images, channels, pixels) = (planes.shape[0], planes.shape[1], planes.shape[2] * planes.shape[3])
        let rows = Tensor(uninitialized: Shape(rows: images * pixels, columns: channels), on: planes.device)
        let source = planes.reshaped(Shape(rows: images * channels, columns: pixels))
        for image in 0..<images {
            source.rows(image * channels..<(image + 1) * channels).transposed()
                .write(to: rows.rows(image * pixels..<(image + 1) * pixels))
        }
        self.init(rows, images: images, height: planes.shape[2], width: planes.shape[3])
    }

    /// The numbers channel by channel, [images, channels, height, width], cut off from how they were computed.
    public var planes: Tensor {
        let pixels = height * width
        let planes = Tensor(uninitialized: Shape(rows: images * channels, columns: pixels), on: rows.device)
        for image in 0..<images {
            rows.detached.rows(image * pixels..<(image + 1) * pixels).transposed()
                .write(to: planes.rows(image * channels..<(image + 1) * channels))
        }
        return planes.reshaped([images, channels, height, width])
    }

    /// The same pixels after an operation that treats each on its own.
    public func map(_ operation: (Tensor) throws -> Tensor) rethrows -> ImageRows {
        ImageRows(try operation(rows), images: images, height: height, width: width)
    }
}

/// A window that moves over images, with the same step in both directions.
public struct ImageWindow: Hashable, Sendable {
    /// Lines of the window.
    public var height: Int
    /// Pixels of each line.
    public var width: Int
    /// Pixels from one place to the next.
    public var stride: Int
    /// Pixels by which the window may begin before the image, and end after it.
    public var padding: Int
    /// Pixels from one tap of the window to the next.
    public var dilation: Int

    /// Takes the extents; by default the window moves pixel by pixel, inside the image.
    public init(height: Int, width: Int, stride: Int = 1, padding: Int = 0, dilation: Int = 1) {
        precondition(height > 0 && width > 0 && stride > 0 && padding >= 0 && dilation > 0)
        self.height = height
        self.width = width
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
    }

    /// How often the window fits into an image of this height, or width: 0 where the image is too small.
    func places(_ extent: Int, taps: Int) -> Int {
        let room = extent + 2 * padding - dilation * (taps - 1) - 1
        return room < 0 ? 0 : room / stride + 1
    }

}

extension ImageRows {
    /// What the window makes of images, as kernels see it.
    func geometry(_ window: ImageWindow) -> dx_window {
        let outHeight = window.places(height, taps: window.height)
        let outWidth = window.places(width, taps: window.width)
        precondition(outHeight > 0 && outWidth > 0, "the window does not fit into images of \(height) x \(width)")
        return dx_window(
            images: Int64(images), height: Int64(height), width: Int64(width), channels: Int64(channels),
            taps_high: Int64(window.height), taps_wide: Int64(window.width), stride: Int64(window.stride),
            padding: Int64(window.padding), dilation: Int64(window.dilation), out_height: Int64(outHeight),
            out_width: Int64(outWidth))
    }

    /// An image with a row for each place of the window.
    func moved(_ rows: Tensor, _ geometry: dx_window) -> ImageRows {
        ImageRows(rows, images: images, height: Int(geometry.out_height), width: Int(geometry.out_width))
    }
}

extension dx_window {
    var outputRows: Int { Int(images * out_height * out_width) }
    var inputRows: Int { Int(images * height * width) }
    var taps: Int { Int(taps_high * taps_wide) }
}

extension Tensor {
    /// Copies the numbers of a matrix to another of the same shape, which belongs to the caller alone.
    func write(to target: Tensor) {
        precondition(shape == target.shape)
        for row in 0..<rows {
            (target.mutablePointer + row * target.rowStride).update(from: pointer + row * rowStride, count: columns)
        }
        extendLifetime(self)
        extendLifetime(target)
    }
}
