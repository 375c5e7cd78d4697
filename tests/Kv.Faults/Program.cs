using Kv.Faults;

RunOptions options;
try
{
    if (args is ["--help"] or ["-h"])
    {
        Console.WriteLine(RunOptions.Usage);
        return 0;
    }
    options = RunOptions.Parse(args);
}
catch (ArgumentException wrong)
{
    Console.Error.WriteLine($"faults: {wrong.Message}\n\n{RunOptions.Usage}");
    return 2;
}

options = options with { ReportDirectory = Path.GetFullPath(options.ReportDirectory) };
Directory.CreateDirectory(options.ReportDirectory);
Console.WriteLine(options);
try
{
    // What nobody has thought of shows as a failure, with its text; brokers and nodes end in any case.
    await using Run run = await Run.StartAsync(options);
    await run.ExecuteAsync();
    Report.Write(options, run);
    int failed = run.Checks.Count(static check => !check.Passed);
    Console.WriteLine($"The report is {Path.Combine(options.ReportDirectory, "report.md")}");
    Console.WriteLine($"{run.Checks.Count - failed} passed, {failed} failed");
    return failed == 0 ? 0 : 1;
}
catch (Exception cannot)
{
    Console.Error.WriteLine($"faults: {cannot}");
    Console.Error.WriteLine("Where the machine lacks something: --without cuts, --without disks.");
    Console.WriteLine("0 passed, 1 failed");
    return 1;
}
