using System.Text;
using System.Text.RegularExpressions;
using Google.Protobuf.Reflection;

namespace Kv.Etcd.Tests.Compatibility;

/// <summary>
/// docs/etcd.md says what of etcd's API there is. Its table is made here, of the protocol itself:
/// KV_WRITE_DOCS=1 writes it anew.
/// </summary>
public sealed class CompatibilityPageTests
{
    private const string Mark = "<!-- made by CompatibilityPageTests -->";

    private static readonly string PagePath = Path.Combine(SourceTree.Root, "docs", "etcd.md");

    [Fact]
    public async Task The_page_says_of_every_call_and_option_what_the_table_says()
    {
        string page = await File.ReadAllTextAsync(PagePath);
        string text = page[..(page.IndexOf(Mark, StringComparison.Ordinal) + Mark.Length)];
        string made = $"{text}\n\n{Render()}";
        if (Environment.GetEnvironmentVariable("KV_WRITE_DOCS") == "1")
        {
            await File.WriteAllTextAsync(PagePath, made);
            page = made;
        }

        Assert.Equal(made, page);
    }

    [Fact]
    public void No_call_is_without_a_verdict() => Assert.All(
        CompatibilityTable.Calls, static call => Assert.NotNull(CompatibilityTable.Of(call)));

    [Fact]
    public void Every_verdict_is_of_something_that_there_is()
    {
        string[] calls =
        [
            .. CompatibilityTable.Calls.SelectMany(static call => (string[])
                [$"{call.Service.Name}.{call.Name}", $"{call.Service.Name}.*"]),
        ];
        string[] fields =
        [
            .. CompatibilityTable.Calls
                .SelectMany(static call => CompatibilityTable.FieldsOf(call.InputType))
                .Select(static field => $"{field.ContainingType.Name}.{field.Name}"),
        ];

        Assert.All(CompatibilityTable.OfCalls.Keys, name => Assert.Contains(name, calls));
        Assert.All(CompatibilityTable.OfFields.Keys, name => Assert.Contains(name, fields));
    }

    [Fact]
    public void Every_test_named_is_there()
    {
        string[] sources =
        [
            .. Directory.GetFiles(
                Path.Combine(SourceTree.Root, "tests"), "*Tests.cs", SearchOption.AllDirectories),
        ];
        IEnumerable<string> tests = CompatibilityTable.OfCalls.Values
            .Concat(CompatibilityTable.OfFields.Values)
            .Select(static verdict => verdict.Test);

        Assert.All(tests, test =>
        {
            string[] parts = test.Split('.');
            string source = Assert.Single(
                sources, path => Path.GetFileNameWithoutExtension(path) == parts[0]
                    && Regex.IsMatch(File.ReadAllText(path), $@"\b{parts[1]}\("));
            Assert.True(File.Exists(source));
        });
    }

    private static string Render()
    {
        var page = new StringBuilder();
        page.Append("| call | option | what of it | shown by |\n|---|---|---|---|\n");
        foreach (MethodDescriptor call in CompatibilityTable.Calls)
        {
            Verdict verdict = CompatibilityTable.Of(call)!;
            page.Append($"| {call.Service.Name}.{call.Name} | | {verdict.Says} | `{verdict.Test}` |\n");
            foreach (FieldDescriptor field in CompatibilityTable.FieldsOf(call.InputType))
            {
                string name = $"{field.ContainingType.Name}.{field.Name}";
                Verdict own = CompatibilityTable.OfFields.GetValueOrDefault(name, verdict);
                string says = own.Says.StartsWith("supported;", StringComparison.Ordinal)
                    || (own == verdict && own.Says.StartsWith("supported", StringComparison.Ordinal))
                    ? "supported"
                    : own.Says.Split(':')[0] == "refused" ? "refused" : own.Says;
                page.Append($"| | {name} | {says} | {(own == verdict ? "" : $"`{own.Test}`")} |\n");
            }
        }
        return page.ToString();
    }
}
