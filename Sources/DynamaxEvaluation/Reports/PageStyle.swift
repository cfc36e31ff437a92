/// The style that all pages share.
enum PageStyle {
    static var rules: Markup {
        let light = ChartColours.lines.enumerated().map { "--s\($0.offset):\($0.element.light);" }.joined()
        let dark = ChartColours.lines.enumerated().map { "--s\($0.offset):\($0.element.dark);" }.joined()
        let lines = ChartColours.lines.indices.map { ".s\($0){stroke:var(--s\($0))}" }.joined()
        let (paleShades, darkShades) = (shades(pale: true), shades(pale: false))
        return """
            :root{color-scheme:light dark;--back:#fff;--ink:#1b1d21;--soft:#5a6069;--line:#dfe2e6;--box:#f4f5f7;--warn:#8a4b00;--warnbox:#fff3df;\(light)\(paleShades)}
            @media (prefers-color-scheme:dark){:root{--back:#15171a;--ink:#e4e6e9;--soft:#a2a9b3;--line:#33383f;--box:#1f2226;--warn:#ffc36b;--warnbox:#332612;\(dark)\(darkShades)}}
            *{box-sizing:border-box}
            body{margin:0;background:var(--back);color:var(--ink);font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
            main{max-width:52rem;margin:0 auto;padding:1rem}
            h1{font-size:1.5rem;line-height:1.25;margin:.5rem 0 1rem}h2{font-size:1.15rem;margin:2.2rem 0 .6rem;border-top:1px solid var(--line);padding-top:1rem}
            nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;margin:0;padding:0}a{color:var(--s0)}
            p{margin:.5rem 0}.note{color:var(--soft);font-size:.9rem}
            .warning{color:var(--warn);background:var(--warnbox);border-left:4px solid;padding:.5rem .75rem}
            dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(14rem,1fr));gap:.5rem 1.5rem;margin:.5rem 0}dt{color:var(--soft);font-size:.85rem}dd{margin:0}
            .scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums;overflow-wrap:normal}
            th,td{padding:.2rem .6rem;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap;vertical-align:top}thead th{color:var(--soft);font-weight:600;vertical-align:bottom;white-space:normal}.t{text-align:left;font-weight:400}tbody th.t{white-space:normal;min-width:7rem}
            figure{margin:1rem 0}figcaption{font-weight:600;font-size:.95rem}
            .chart{display:block;width:100%;max-width:40rem;height:auto}.chart text,.heat text{fill:currentColor;font-family:inherit;font-size:12px}
            .chart path{fill:none;stroke-width:2;stroke-linejoin:round}.chart .grid{stroke:var(--line);stroke-width:1}.chart .axis{stroke:var(--soft);stroke-width:1}
            .chart .bar{fill:var(--s0)}.dashed{stroke-dasharray:6 4}.chart .interval{stroke-width:1;opacity:.7}.mark{fill:var(--back)!important;stroke-width:1.8}
            \(lines)
            .legend{list-style:none;margin:.3rem 0;padding:0;display:flex;flex-wrap:wrap;gap:.1rem 1.1rem;font-size:.88rem}.legend li{display:flex;align-items:center;gap:.4rem}
            .swatch{width:26px;height:14px;flex:none}.swatch path{fill:none;stroke-width:2}
            .heat{display:block;width:100%;max-width:48rem;height:auto;margin:.2rem 0}.heat text{font-size:.95px}.heat path{fill:none;stroke-width:1}.heat .thin{stroke-width:.28}
            .heat .rule{stroke:var(--back);stroke-width:.12}.heat .dot{stroke:var(--dot);stroke-width:.42;stroke-linecap:round}
            .h0{stroke:var(--h0)}.h1{stroke:var(--h1)}.h2{stroke:var(--h2)}.h3{stroke:var(--h3)}.h4{stroke:var(--h4)}
            @media (max-width:30rem){.chart text{font-size:14px}}
            @media print{:root{font-size:11px}body{font-size:1rem}main{max-width:none;padding:0}.scroll{overflow:visible}th,td{padding:.1rem .35rem;white-space:normal}thead{display:table-header-group}tr,figure,svg,dl div{break-inside:avoid}.heatmap{break-inside:auto}h2,h3,figcaption{break-after:avoid}a{color:inherit}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}

            """
    }

    /// Rules for texts whose tokens have the colours of layers.
    static func tokens(_ layers: Set<Int>, of count: Int) -> Markup {
        """
        .text{white-space:pre-wrap;line-height:2.1;border:1px solid var(--line);padding:.75rem;border-radius:4px}.prompt{color:var(--soft)}
        [class^="k"]{color:inherit;text-decoration:none;border-bottom:4px solid var(--k);background:color-mix(in srgb,var(--k) 18%,transparent)}
        .x{text-decoration:underline wavy var(--s1);text-underline-offset:-1.15em;text-decoration-skip-ink:none}.key{padding:0 .5rem}
        :has(#numbers:checked) .text [data-l]::after{content:attr(data-l);font-size:.6em;vertical-align:super;color:var(--soft)}
        \(ChartColours.rules(layers, of: count))

        """
    }

    /// Shades of grids, from faint to strong, and of the dots in them, which are seen on each.
    private static func shades(pale: Bool) -> String {
        let shades =
            pale
            ? ["#dbe4ee", "#b5cde6", "#82aedb", "#4a86c5", "#1b5a9e"]
            : ["#2b3440", "#2f4a68", "#336a9d", "#4b93d1", "#8cc8ff"]
        let dot = pale ? "#e0552b" : "#ff7a45"
        return shades.enumerated().map { "--h\($0.offset):\($0.element);" }.joined() + "--dot:\(dot);"
    }
}
