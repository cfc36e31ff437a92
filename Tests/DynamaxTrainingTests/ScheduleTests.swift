import DynamaxTraining
import Testing

// Oracles: the formulas, worked out by hand; Python's fnmatch for the patterns without braces.

@Suite struct ScheduleTests {
    @Test func warmsUpFromTheFirstStep() {
        let schedule = Schedule(.constant, warmup: 4)
        #expect((0..<6).map { schedule.factor(at: $0, of: 10) } == [0.25, 0.5, 0.75, 1, 1, 1])
    }

    @Test func cosineEndsAtItsFinalFactor() {
        let schedule = Schedule(.cosine(final: 0.1), warmup: 1)
        #expect(schedule.factor(at: 1, of: 12) == 1)
        #expect(abs(schedule.factor(at: 6, of: 12) - 0.55) < 1e-12)
        #expect(abs(schedule.factor(at: 11, of: 12) - 0.1) < 1e-12)
        #expect(abs(schedule.factor(at: 99, of: 12) - 0.1) < 1e-12)
    }

    @Test func linearAndSteps() {
        let linear = Schedule(.linear(final: 0))
        #expect((0..<5).map { linear.factor(at: $0, of: 5) } == [1, 0.75, 0.5, 0.25, 0])
        let steps = Schedule(.steps(at: [2, 4], factor: 0.5))
        #expect((0..<6).map { steps.factor(at: $0, of: 6) } == [1, 1, 0.5, 0.5, 0.25, 0.25])
    }

    @Test func oneStepIsEnough() {
        #expect(Schedule(.cosine(final: 0.1)).factor(at: 0, of: 1) == 0.1)
        #expect(Schedule(.cosine(final: 0.1), warmup: 1).factor(at: 0, of: 1) == 1)
    }

    @Test(arguments: [
        ("*", "", true), ("*norm*", "model.layers.0.input_layernorm.weight", true), ("norm", "model.norm", false),
        ("model.layers.?.*", "model.layers.3.mlp", true), ("model.layers.?.*", "model.layers.13.mlp", false),
        ("*.{0,1,13}.*", "layers.13.mlp", true), ("*.{0,1,13}.*", "layers.3.mlp", false),
        ("*a*b*c", "xxaxxbxxbxxc", true), ("*a*b*c", "xxaxxbxxbxx", false), ("{a,}b", "b", true), ("", "", true),
        ("", "a", false), ("a?", "a", false), ("*ab", "aab", true),
    ])
    func patternsFitNames(pattern: String, name: String, fits: Bool) throws {
        #expect(try #require(Glob(pattern)).matches(name) == fits)
    }

    @Test(arguments: ["{", "}", "a{b", "{a{b}}", "}{"])
    func bracesMustMatch(pattern: String) {
        #expect(Glob(pattern) == nil)
    }

    @Test func theFirstGroupThatFitsDecides() throws {
        let groups = [
            ParameterGroup(match: try #require(Glob("*norm*")), decay: 0),
            ParameterGroup(match: try #require(Glob("*.0.*")), isFrozen: true),
        ]
        #expect(groups.group(of: ["layers.0.norm.weight"])?.decay == 0)
        #expect(groups.group(of: ["layers.0.mlp", "other"])?.isFrozen == true)
        #expect(groups.group(of: ["layers.1.mlp"]) == nil)
    }
}
