using System.Text.RegularExpressions;

namespace Kv.Actors.Tests.Style;

/// <summary>What is easier kept than restored: small files, small methods, lines that fit a screen.</summary>
public sealed partial class TidyTests
{
    private const int LinesMax = 400;
    private const int ColumnsMax = 110;
    private const int MethodLinesMax = 70;

    private static readonly string Root = FindRoot();

    private static readonly (string Name, string[] Lines)[] Sources =
    [
        .. new[] { "src", "tests", "bench" }
            .Select(static folder => Path.Combine(Root, folder))
            .Where(Directory.Exists)
            .SelectMany(
                static folder => Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories))
            .Where(static file => !BuildOutput().IsMatch(file))
            .Select(static file => (Path.GetRelativePath(Root, file), File.ReadAllLines(file))),
    ];

    [Fact]
    public void There_are_sources_to_look_at() => Assert.True(Sources.Length > 30);

    [Fact]
    public void No_file_is_longer_than_400_lines() => Assert.Empty(
        Sources.Where(static source => source.Lines.Length > LinesMax)
            .Select(static source => $"{source.Name}: {source.Lines.Length} lines"));

    [Fact]
    public void No_line_is_longer_than_110_columns() => Assert.Empty(
        Lines(static line => line.Length > ColumnsMax));

    [Fact]
    public void No_line_ends_in_white_space_or_has_tabs() => Assert.Empty(
        Lines(static line => line.EndsWith(' ') || line.Contains('\t')));

    [Fact]
    public void No_to_do_is_left_in_the_code() => Assert.Empty(
        Lines(static line => Leftover().IsMatch(line)));

    [Fact]
    public void No_method_is_longer_than_70_lines() => Assert.Empty(
        Sources.SelectMany(static source => LongMembers(source.Lines).Select(at => $"{source.Name}:{at}")));

    private static IEnumerable<string> Lines(Func<string, bool> isWrong) => Sources.SelectMany(source =>
        source.Lines.Index()
            .Where(numbered => isWrong(numbered.Item))
            .Select(numbered => $"{source.Name}:{numbered.Index + 1}: {numbered.Item.Trim()}"));

    // Members stand at four columns, or eight in a nested type: a body is what is between their braces.
    private static IEnumerable<int> LongMembers(string[] lines)
    {
        foreach (string indent in (string[])["    ", "        "])
        {
            int start = -1;
            for (int i = 0; i < lines.Length; i++)
            {
                if (lines[i] == indent + "{")
                {
                    start = i;
                }
                else if (start >= 0 && lines[i].TrimEnd(';', ',', ')') == indent + "}")
                {
                    bool isType = TypeHead().IsMatch(lines[Math.Max(0, start - 1)]);
                    if (!isType && i - start - 1 > MethodLinesMax)
                    {
                        yield return start + 1;
                    }
                    start = -1;
                }
            }
        }
    }

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "ReplicatedKv.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }
        return folder ?? throw new InvalidOperationException("The tests do not run inside the repository.");
    }

    [GeneratedRegex(@"[/\\](bin|obj)[/\\]")]
    private static partial Regex BuildOutput();

    [GeneratedRegex(@"\b(class|record|struct|interface|enum)\b|: .*Base$|where T")]
    private static partial Regex TypeHead();

    [GeneratedRegex(@"\b(TO" + @"DO|FIX" + @"ME|HA" + @"CK|NotImplemented" + @"Exception)\b")]
    private static partial Regex Leftover();
}
