using Kv.Host.Settings;

namespace Kv.Host.Tests.Docs;

/// <summary>The README says what the programs do.</summary>
public sealed class ReadmeTests
{
    private static readonly string Readme = File.ReadAllText(Path.Combine(SourceTree.Root, "README.md"));

    [Fact]
    public void Its_table_has_every_setting_with_option_default_and_what_is_allowed() => Assert.All(
        Setting.All,
        static setting => Assert.Contains(
            $"| `{setting.Name}` | `{setting.Option}` | {setting.Default} | {setting.Allowed} "
                + $"| {setting.About} |",
            Readme));

    [Theory]
    [InlineData("README.md")]
    [InlineData("ARCHITECTURE.md")]
    [InlineData("docs/formats.md")]
    [InlineData("docs/wire.md")]
    public void Its_links_lead_somewhere(string page)
    {
        string folder = Path.GetDirectoryName(Path.Combine(SourceTree.Root, page))!;
        string[] targets =
        [
            .. System.Text.RegularExpressions.Regex
                .Matches(File.ReadAllText(Path.Combine(SourceTree.Root, page)), @"\]\((?!https?:)([^)#]+)")
                .Select(match => match.Groups[1].Value),
        ];

        Assert.NotEmpty(targets);
        Assert.All(targets, target => Assert.True(
            Path.Exists(Path.Combine(folder, target)), $"{page} links to {target}, which is not there."));
    }
}
